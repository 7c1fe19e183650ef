"""The subcommand ``devices suggest``: cells to measure first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import Notation, SpaceName, examples

__all__ = ["EXAMPLES", "suggest"]

EXAMPLES = examples(
    "brpnas devices suggest -n 20",
    "brpnas devices suggest -n 20 --test 30 --output my-board.csv",
    "brpnas devices suggest -n 20 --measured data/01_raw/devices/my-board.csv",
)


def suggest(
    count: Annotated[
        int, typer.Option("-n", "--count", metavar="COUNT", min=1, help="Training cells.")
    ] = 20,
    test: Annotated[
        int,
        typer.Option(metavar="COUNT", min=0, help="Random test cells beside them; 30 for a gate."),
    ] = 0,
    measured: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File of known latencies; its cells are not suggested again."
        ),
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Prior from known devices, .safetensors (default: the packaged one).",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Write a CSV file to fill in instead; it must not exist."
        ),
    ] = None,
    notation: Notation = None,
    space: SpaceName = "nasbench201",
    seed: Annotated[int, typer.Option(metavar="NUMBER", help="Seed of the choice.")] = 0,
) -> None:
    """Suggest the cells to measure first on a new device.

    The cells reduce the uncertainty about all others the most, judged by known devices; the most
    informative come first. Test cells are a separate set, fixed by a hash of the cell.
    """
    from brpnas.cli import suggestions  # noqa: PLC0415

    rows = suggestions.suggest(
        count,
        test=test,
        measured=measured,
        prior=prior,
        seed=seed,
        notation=notation,
        space=space,
    )
    if output is None:
        typer.echo(suggestions.as_text(rows))
    else:
        suggestions.write(rows, output)
        typer.echo(f"{len(rows)} cells in {output}: fill in latency_ms.")
