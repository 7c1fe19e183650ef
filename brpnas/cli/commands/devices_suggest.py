"""The subcommand ``devices suggest``: cells to measure first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import Notation, examples

__all__ = ["EXAMPLES", "suggest"]

EXAMPLES = examples(
    "brpnas devices suggest -n 20",
    "brpnas devices suggest -n 20 --test 30 --output my-board.csv",
    "brpnas devices suggest -n 20 --measured data/01_raw/devices/my-board.csv",
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
