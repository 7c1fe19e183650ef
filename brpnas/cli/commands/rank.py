"""The subcommand ``rank``: the space by an accuracy predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import LATENCY, RANKER, Json, SpaceName, examples
from brpnas.cli.sizes import Size

__all__ = ["EXAMPLES", "rank"]

EXAMPLES = examples(
    f"brpnas rank {RANKER} --top 5",
    f"brpnas rank {RANKER} \\",
    f"    --predictor {LATENCY} --constraint 'latency_ms <= 5'",
)


def rank(  # noqa: PLR0913, PLR0917 - one argument per option
    ranker: Annotated[
        Path,
        typer.Argument(
            metavar="RANKER",
            exists=True,
            dir_okay=False,
            help="A pairwise ranker, .safetensors or .onnx.",
        ),
    ],
    top: Annotated[int, typer.Option(metavar="COUNT", min=1, help="How many to print.")] = 10,
    predictor: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PREDICTOR",
            help="A predictor of a metric: a file, or a device of `retrain`; repeatable.",
        ),
    ] = None,
    constraint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Limit on a predicted metric or a cost, such as 'latency_ms <= 5'; repeatable.",
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also isomorphic cells.")] = False,
    as_json: Json = False,
    space: SpaceName = "nasbench201",
    sample: Annotated[
        int | None,
        typer.Option(
            metavar="COUNT",
            min=1,
            help="Rank COUNT random architectures (default: all; 10,000 of a space too large).",
        ),
    ] = None,
    network_size: Size = None,
) -> None:
    """Rank the whole space by a saved accuracy predictor.

    Costs such as parameters and multiply-adds are those of the exported network, without dead
    operations.
    """
    from brpnas.cli import predictions, ranking  # noqa: PLC0415

    rows = ranking.rank(
        ranker,
        top,
        [predictions.find_predictor(name) for name in predictor or ()],
        constraint or (),
        every=every,
        space=space,
        sample=sample,
        network_size=network_size,
    )
    typer.echo(predictions.as_json(rows) if as_json else predictions.as_text(rows))
