"""The subcommand ``models``: the registered models."""

from __future__ import annotations

import typer

from brpnas.cli.options import Env, examples

__all__ = ["EXAMPLES", "models"]

EXAMPLES = examples("brpnas models", "brpnas models --env latbench")


def models(env: Env = None) -> None:
    """List registered models, their champions and challengers."""
    from brpnas.cli import project as projects  # noqa: PLC0415

    project = projects.find_project()
    typer.echo(projects.find_registry(project).models_text(project, env))
