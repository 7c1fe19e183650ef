"""The subcommand ``predict``: a metric by a predictor, or latency on a known device."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from brpnas.cli.options import CELL, LATENCY, SpaceName, examples
from brpnas.cli.sizes import DeviceSize

__all__ = ["EXAMPLES", "predict"]

EXAMPLES = examples(
    f"brpnas predict {LATENCY} {CELL}",
    f"brpnas predict --json {LATENCY} < cells.txt",
    f"brpnas predict my-board {CELL}",
    f"brpnas predict --device pixel3 {CELL}",
)


def predict(
    predictor: Annotated[
        str | None,
        typer.Argument(
            metavar="PREDICTOR",
            help="A predictor: a file, .safetensors or .onnx, or a device of `retrain`. None with "
            "--device.",
        ),
    ] = None,
    archs: Annotated[
        list[str] | None,
        typer.Argument(metavar="ARCH", help="Architectures; without any, lines of stdin."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Predict a known device by the prior instead; a wrong NAME lists all of them.",
        ),
    ] = None,
    prior: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Prior of --device, .safetensors (default: the packaged one).",
        ),
    ] = None,
    network_size: DeviceSize = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: a list; with --device an object.")
    ] = False,
    space: SpaceName = "nasbench201",
) -> None:
    """Predict a metric by a predictor, or on a known device.

    With --device, also print the error to expect, measured on cells unknown to the prior.
    """
    if device is not None and predictor is not None:
        if Path(predictor).is_file():
            raise typer.BadParameter("give either PREDICTOR or --device, not both")
        archs = [predictor, *(archs or [])]
    elif device is None and predictor is None:
        raise typer.BadParameter("give PREDICTOR, or a known device by --device")
    elif device is None and (prior is not None or network_size is not None):
        raise typer.BadParameter("--prior and --network-size belong to --device")
    texts = archs or ([] if sys.stdin.isatty() else [x.strip() for x in sys.stdin if x.strip()])
    if not texts:
        raise typer.BadParameter("give architectures, as arguments or on stdin, one per line")
    if device is not None:
        from brpnas.cli.known_devices import predict_device  # noqa: PLC0415

        known = predict_device(device, texts, prior=prior, network_size=network_size, space=space)
        typer.echo(known.as_json() if as_json else known.as_text())
    elif predictor is not None:
        from brpnas.cli import predictions  # noqa: PLC0415

        rows = predictions.predict(predictions.find_predictor(predictor), texts, space)
        typer.echo(predictions.as_json(rows) if as_json else predictions.as_text(rows))
