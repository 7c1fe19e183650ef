"""The subcommand ``front``: the Pareto front of the last search."""

from __future__ import annotations

from typing import Annotated

import typer

from brpnas.cli.options import Env, FrontFormat, examples

__all__ = ["EXAMPLES", "front"]

EXAMPLES = examples("brpnas front", "brpnas front --format csv > front.csv")


def front(
    form: Annotated[
        FrontFormat, typer.Option("--format", metavar="FORMAT", help="table, csv or json.")
    ] = FrontFormat.TABLE,
    env: Env = None,
) -> None:
    """Print the Pareto front of the last search.

    A search with several objectives writes it; * marks the suggested knee.
    """
    from brpnas.cli import project as projects  # noqa: PLC0415
    from brpnas.cli.fronts import as_text, read_front  # noqa: PLC0415

    workspace = projects.open_project(env).settings.workspace
    typer.echo(as_text(read_front(workspace), form))
