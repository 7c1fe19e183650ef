"""The subcommand ``devices check``: files of latencies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from brpnas.cli.options import Notation, SpaceName, examples

__all__ = ["EXAMPLES", "check"]

EXAMPLES = examples(
    "brpnas devices check data/01_raw/devices/my-board.csv",
    "brpnas devices check --no-unit-check slow-board.csv",
    "brpnas devices check tuples.csv --notation naslib --output my-board.csv",
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
        int, typer.Option(metavar="COUNT", min=1, help="Minimum number of cells.")
    ] = 10,
    space: SpaceName = "nasbench201",
    notation: Notation = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Rewrite the one FILE with canonical strings; must not exist.",
        ),
    ] = None,
) -> None:
    """Check files of latencies as the pipeline would.

    Nothing is written without --output. Reports on accepted files go to stdout, on refused files
    to stderr with exit code 1.
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
