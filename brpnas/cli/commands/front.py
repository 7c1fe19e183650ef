"""The subcommand ``front``: the Pareto front of the last search, and its members as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import Env, FrontFormat, examples

__all__ = ["EXAMPLES", "front"]

EXAMPLES = examples(
    "brpnas front",
    "brpnas front --format csv > front.csv",
    "brpnas front --export 3 --output third",
)


def front(
    form: Annotated[
        FrontFormat, typer.Option("--format", metavar="FORMAT", help="table, csv or json.")
    ] = FrontFormat.TABLE,
    member: Annotated[
        str | None,
        typer.Option(
            "--export", metavar="MEMBER", help="Export a member, by its number or architecture."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder of its files; by default in 06_models/front."),
    ] = None,
    env: Env = None,
) -> None:
    """Print the front of the last search, or export a member.

    A search with several objectives writes it; * marks the suggested knee. An export has the files,
    checks and figures of the stage `export`, and its parameters.
    """
    from brpnas.cli import project as projects  # noqa: PLC0415
    from brpnas.cli.fronts import as_text, read_front  # noqa: PLC0415

    if member is None and output is not None:
        raise typer.BadParameter("--output is the folder of --export MEMBER.")
    if member is not None:
        root = projects.find_project()
        folder = output and output.absolute()
        typer.echo(projects.find_registry(root).export_member_text(root, member, folder, env))
        return
    workspace = projects.open_project(env).settings.workspace
    typer.echo(as_text(read_front(workspace), form))
