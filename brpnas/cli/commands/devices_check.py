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
