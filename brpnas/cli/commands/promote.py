"""The subcommand ``promote``: challenger against champion."""

from __future__ import annotations

from typing import Annotated

import typer

from brpnas.cli.options import Env, Model, examples

__all__ = ["EXAMPLES", "promote"]

EXAMPLES = examples("brpnas promote latency-my-board", "brpnas promote --json MODEL")


def promote(
    model: Model,
    env: Env = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all figures of the decision as JSON.")
    ] = False,
) -> None:
    """Make the challenger champion if it wins on the same test rows.

    The gates are in conf/base/parameters_promote.yml. Every decision is kept as tags of the version
    and as a page in its run.
    """
    from brpnas.cli import project as projects  # noqa: PLC0415

    project = projects.find_project()
    typer.echo(projects.find_registry(project).promote_text(project, model, env, as_json=as_json))
