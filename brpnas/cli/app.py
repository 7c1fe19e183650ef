"""The command ``brpnas``: its subcommands, in the order of the help."""

from __future__ import annotations

from typing import Annotated

import typer

import brpnas
from brpnas.cli.commands import (
    arch,
    devices,
    devices_add,
    devices_check,
    devices_suggest,
    export,
    front,
    kit,
    measure,
    models,
    predict,
    promote,
    rank,
    rollback,
    sources,
)
from brpnas.cli.group import ErrorGroup
from brpnas.garbage import collect_rarely

__all__ = ["app"]

app = typer.Typer(
    name="brpnas",
    help="Hardware-aware neural architecture search (BRP-NAS): look things up, ask predictors. "
    "The pipeline itself is run by `dvc repro` and `kedro run`.",
    cls=ErrorGroup,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"brpnas {brpnas.__version__}")
        raise typer.Exit


@app.callback()
def _main(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    collect_rarely()


devices.devices.command(epilog=devices_add.EXAMPLES)(devices_add.add)
devices.devices.command(epilog=devices_check.EXAMPLES)(devices_check.check)
devices.devices.command(epilog=devices_suggest.EXAMPLES)(devices_suggest.suggest)
app.add_typer(devices.devices)
app.command(epilog=sources.EXAMPLES)(sources.sources)
app.command(epilog=arch.EXAMPLES)(arch.arch)
app.command(epilog=predict.EXAMPLES)(predict.predict)
app.command(epilog=rank.EXAMPLES)(rank.rank)
app.command(epilog=front.EXAMPLES)(front.front)
app.command(epilog=measure.EXAMPLES)(measure.measure)
app.add_typer(kit.kit)
app.command(epilog=export.EXAMPLES)(export.export)
app.command(epilog=models.EXAMPLES)(models.models)
app.command(epilog=promote.EXAMPLES)(promote.promote)
app.command(epilog=rollback.EXAMPLES)(rollback.rollback)
