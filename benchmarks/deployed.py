"""The network found as it is deployed: accuracy before and after quantisation, size and latency.

`quantised_winner` is what the stage `export` does, without the other stages: a network trained on
the digits is converted for a runtime, answers the test images there, and is timed.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import torch

from brpnas.candidates import (
    ImageData,
    ImageSource,
    JobConfig,
    TrainedNetworkFile,
    calibration_images,
    check_images,
    export_trained,
    held_out_batches,
    score_file,
    score_logits,
    train_architecture,
)
from brpnas.measure import MeasureSettings, Protocol, deploy, get_runtime

__all__ = ["IMAGES", "quantised_winner"]

IMAGES = 128
"""Calibration images, as in `conf/base`."""
_CELL = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|"
    "nor_conv_3x3~2|"
)
_PROTOCOL = Protocol(warmup=500, runs=200)


def quantised_winner(
    runtime: str, precision: str = "int8", winner: Path | None = None
) -> dict[str, Any]:
    """Figures of a trained network in a runtime.

    Args:
        runtime: Name of the runtime.
        precision: Its precision there.
        winner: ``winner.safetensors`` of a search on the digits; None for a network of a fixed
            cell, trained once in this process.

    Raises:
        ConfigurationError: If the extra of the runtime is missing.
    """
    chosen = get_runtime(runtime, precision=precision)
    chosen.check()
    trained, data, onnx = _network(winner)
    settings = MeasureSettings(chosen, _PROTOCOL, trained.network, space=trained.space)
    scales = torch.from_numpy(calibration_images(trained, data, IMAGES, seed=0))
    with tempfile.TemporaryDirectory() as folder:
        made = deploy(trained.module(), onnx, settings, Path(folder), scales)
        count = len(data.parts["test"])
        after = score_logits(made.answers(held_out_batches(trained, data), count), data)
        timing = made.time()
    before = score_file(onnx, data)
    return {
        "runtime": runtime,
        "precision": precision,
        "arch_id": trained.arch_id,
        "float_accuracy": before.accuracy,
        "accuracy": after.accuracy,
        "accuracy_drop": before.accuracy - after.accuracy,
        "test_images": count,
        "float_kib": len(onnx) / 1024,
        "file_kib": timing.file_kib,
        "latency_ms": timing.latency_ms,
        "calibration_images": len(scales) if precision == "int8" else None,
    }


@functools.cache
def _network(winner: Path | None) -> tuple[TrainedNetworkFile, ImageData, bytes]:
    """A trained network, its images, and its ONNX file."""
    data = ImageSource().load()
    if winner is None:
        config = JobConfig(16, cells_per_stage=2, stages=3, epochs=15, batch_size=64)
        found = train_architecture(_CELL, 0, data, config)
        trained = TrainedNetworkFile.of(_CELL, 0, found, data, config)
    else:
        trained = TrainedNetworkFile.from_bytes(winner.read_bytes())
        check_images(trained, data)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        export_trained(trained, path)
        return trained, data, path.read_bytes()
