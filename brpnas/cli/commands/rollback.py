"""The subcommand ``rollback``: take a promotion back."""

from __future__ import annotations

from typing import Annotated

import typer

from brpnas.cli.options import Env, Model, examples

__all__ = ["EXAMPLES", "rollback"]

EXAMPLES = examples("brpnas rollback latency-my-board", "brpnas rollback latency-my-board --to 3")


def rollback(
    model: Model,
    to: Annotated[
        int | None,
        typer.Option(metavar="VERSION", min=1, help="Earlier champion (default: the last)."),
    ] = None,
    env: Env = None,
) -> None:
    """Make the previous champion champion again."""
    from brpnas.cli import project as projects  # noqa: PLC0415

    project = projects.find_project()
    typer.echo(
        projects.find_registry(project).rollback_text(
            project, model, None if to is None else str(to), env
        )
    )
