"""The subcommands on the registry of models, added to those of `export_command`."""

from __future__ import annotations

from typing import Annotated

import typer

from brpnas.cli.export_command import app
from brpnas.cli.group import examples

__all__ = ["app"]

Env = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Environment of the project, a folder of conf/."),
]
Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="A registered model; `brpnas models` lists them.")
]


@app.command(epilog=examples("brpnas models", "brpnas models --env latbench"))
def models(env: Env = None) -> None:
    """List registered models, their champions and challengers."""
    from brpnas.cli import registry  # noqa: PLC0415

    project = registry.find_project()
    typer.echo(registry.registry_commands(project).models_text(project, env))


@app.command(epilog=examples("brpnas promote latency-my-board", "brpnas promote --json MODEL"))
def promote(
    model: Model,
    env: Env = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all figures of the decision as JSON.")
    ] = False,
) -> None:
    """Make the challenger champion if it wins on the same test rows.

    The gates are in conf/base/parameters_promote.yml. The decision is kept as tags of the version
    and as a page in its run, whatever it is.
    """
    from brpnas.cli import registry  # noqa: PLC0415

    project = registry.find_project()
    commands = registry.registry_commands(project)
    typer.echo(commands.promote_text(project, model, env, as_json=as_json))


@app.command(
    epilog=examples("brpnas rollback latency-my-board", "brpnas rollback latency-my-board --to 3")
)
def rollback(
    model: Model,
    to: Annotated[
        int | None,
        typer.Option(
            metavar="VERSION", min=1, help="Version that once was champion (default: the last)."
        ),
    ] = None,
    env: Env = None,
) -> None:
    """Make the champion before champion again."""
    from brpnas.cli import registry  # noqa: PLC0415

    project = registry.find_project()
    commands = registry.registry_commands(project)
    typer.echo(commands.rollback_text(project, model, None if to is None else str(to), env))
