"""The subcommands of ``devices``: list them, explain one, check a file of latencies.

What follows ``brpnas devices`` is a subcommand, or the name of a device to explain.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from brpnas.cli.group import Notation, SpaceName, examples

__all__ = ["devices"]


class DeviceGroup(TyperGroup):
    """A group in which a name that is no subcommand is explained as a device."""

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        """Find the subcommand; that of a device's name is ``show``."""
        is_device = args[0] not in self.commands and not args[0].startswith("-")
        return super().resolve_command(ctx, ["show", *args] if is_device else args)


devices = typer.Typer(
    name="devices",
    cls=DeviceGroup,
    invoke_without_command=True,
    subcommand_metavar="[NAME | COMMAND [ARGS]...]",
    epilog=examples("brpnas devices", "brpnas devices embedded-tpu-edge-tpu-int8"),
    rich_markup_mode=None,
)


@devices.callback()
def _list(context: typer.Context) -> None:
    """List and explain devices; check a file, suggest cells.

    The latency of those listed ships or is published.
    """
    if context.invoked_subcommand is None:
        from brpnas.cli import catalogues  # noqa: PLC0415

        typer.echo(catalogues.list_devices())


@devices.command(hidden=True)
def show(name: Annotated[str, typer.Argument(metavar="NAME", help="A device.")]) -> None:
    """Explain a device: all that the catalogue knows of it."""
    from brpnas.cli import catalogues  # noqa: PLC0415

    typer.echo(catalogues.describe_device(name))


@devices.command(
    epilog=examples(
        "brpnas devices check data/01_raw/devices/my-board.csv",
        "brpnas devices check --no-unit-check slow-board.csv",
        "brpnas devices check tuples.csv --notation naslib --output my-board.csv",
    )
)
def check(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Files of latencies: <device>.csv.")
    ],
    unit: Annotated[
        bool,
        typer.Option(
            "--unit-check/--no-unit-check",
            help="Refuse latencies that look like seconds or microseconds.",
        ),
    ] = True,
    least: Annotated[
        int, typer.Option(metavar="COUNT", min=1, help="Cells that there must be.")
    ] = 10,
    space: SpaceName = "nasbench201",
    notation: Notation = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the one file that is given again, its cells as strings; it must not exist.",
        ),
    ] = None,
) -> None:
    """Check files of latencies as the pipeline would.

    Without --output nothing is written. What is accepted and flagged goes to stdout. The report on
    a file that is refused goes to stderr, and the exit code is 1.
    """
    from brpnas.cli import intake  # noqa: PLC0415

    options: dict[str, Any] = {
        "unit_check": unit,
        "least": least,
        "space": space,
        "notation": notation,
    }
    if output is not None:
        if len(files) != 1:
            raise typer.BadParameter("--output needs exactly one FILE")
        typer.echo(intake.rewrite(files[0], output, **options))
        return
    accepted, refused = intake.check_files(files, **options)
    for report in accepted:
        typer.echo(report)
    for report in refused:
        typer.echo(f"Error: {report}", err=True)
    if refused:
        raise typer.Exit(1)


@devices.command(
    epilog=examples(
        "brpnas devices suggest -n 20",
        "brpnas devices suggest -n 20 --test 30 --output my-board.csv",
        "brpnas devices suggest -n 20 --measured data/01_raw/devices/my-board.csv",
    )
)
def suggest(
    count: Annotated[
        int, typer.Option("-n", "--count", metavar="COUNT", min=1, help="Cells to learn from.")
    ] = 20,
    test: Annotated[
        int,
        typer.Option(
            metavar="COUNT", min=0, help="Cells to test on beside them, at random; 30 for a gate."
        ),
    ] = 0,
    measured: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File of latencies that are known already: name other cells."
        ),
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="What known devices teach, .safetensors; that which ships by default.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a CSV file to fill in instead; it must not exist."
        ),
    ] = None,
    notation: Notation = None,
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Decides what is compared.")] = 0,
) -> None:
    """Name the cells worth measuring first on a new device.

    They are those that leave the least in doubt about all others, going by the devices that are
    known; the most telling first. Cells to test on are another set: a hash of the cell decides
    which may be tested on, and none of those is suggested to learn from.
    """
    from brpnas.cli import suggestions  # noqa: PLC0415

    rows = suggestions.suggest(
        count, test=test, measured=measured, prior=prior, seed=seed, notation=notation
    )
    if output is None:
        typer.echo(suggestions.as_text(rows))
    else:
        suggestions.write(rows, output)
        typer.echo(f"{len(rows)} cells in {output}: fill in latency_ms.")
