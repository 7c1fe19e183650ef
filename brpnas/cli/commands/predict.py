"""The subcommand ``predict``: latency by a predictor."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from brpnas.cli.options import CELL, LATENCY, Json, SpaceName, examples

__all__ = ["EXAMPLES", "predict"]

EXAMPLES = examples(
    f"brpnas predict {LATENCY} {CELL}",
    f"brpnas predict --json {LATENCY} < cells.txt",
    f"brpnas predict my-board {CELL}",
)


def predict(
    predictor: Annotated[
        str,
        typer.Argument(
            metavar="PREDICTOR",
            help="A latency predictor: a file, .safetensors or .onnx, or a device of `retrain`.",
        ),
    ],
    archs: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARCH", help="Architectures; without any, lines of stdin."),
    ] = None,
    as_json: Json = False,
    space: SpaceName = "nasbench201",
) -> None:
    """Predict latency, in ms, by a saved or exported predictor."""
    texts = archs or ([] if sys.stdin.isatty() else [x.strip() for x in sys.stdin if x.strip()])
    if not texts:
        raise typer.BadParameter("give architectures, as arguments or on stdin, one per line")
    from brpnas.cli import predictions  # noqa: PLC0415

    rows = predictions.predict(predictions.find_predictor(predictor), texts, space)
    typer.echo(predictions.as_json(rows) if as_json else predictions.as_text(rows))
