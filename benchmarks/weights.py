"""Whether weights that compress change latencies: the same cells with independent weights.

``python -m benchmarks.weights [CELLS]`` times each cell three times in a row on this machine: with
independent weights, with those of `brpnas.export.initialise_weights`, and with independent weights
again, which shows the noise. It prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.data import settings as parameters
from brpnas.measure import LocalTarget, MeasureSettings, Protocol, get_runtime, select_cells
from brpnas.measure.artifacts import Artifact, make_artifact
from brpnas.measure.setup import build_cell

__all__ = ["compare_weights", "redraw_weights"]

BEFORE, REPEATED, AFTER = "before", "repeated", "after"


def redraw_weights(network: nn.Module, input_shape: tuple[int, int, int], seed: int) -> None:
    """Give a network independent weights and statistics, as He et al. (arXiv 1502.01852)."""
    generator = torch.Generator().manual_seed(seed)
    normalisations = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(
                layer.weight, mode="fan_out", nonlinearity="relu", generator=generator
            )
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=0.01, generator=generator)
    for normalisation in normalisations:
        normalisation.momentum = 1.0
    with torch.no_grad():
        network.train()(torch.randn(4, *input_shape, generator=generator))
    network.eval()


def compare_weights(cells: int, settings: MeasureSettings) -> dict[str, Any]:
    """Time cells with independent and with repeated weights, one after another.

    Args:
        cells: Number of cells.
        settings: How to measure.

    Returns:
        Medians and quantiles over the cells of the latency with repeated weights over that with
        independent ones, and of two latencies with independent weights over each other (noise);
        the same of the fastest block, which other work on the machine disturbs less; the mean
        compressed sizes in KiB.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifacts = [
            _artifact(kind, arch_id, settings, folder)
            for arch_id in select_cells(cells, space=settings.space)
            for kind in (BEFORE, REPEATED, AFTER)
        ]
        settings.manifest(artifacts).write(folder)
        rows = list(LocalTarget().measure(folder))
        kib = {kind: _compressed(artifacts, kind, folder) for kind in (BEFORE, REPEATED)}
    latency = {row["name"]: row["latency_ms"] for row in rows}
    fastest = {row["name"]: min(row["blocks_ms"]) for row in rows}
    return {
        "cells": cells,
        "latency": _ratios(latency),
        "fastest_block": _ratios(fastest),
        "max_load": max(row["load"] for row in rows),
        "compressed_kib": {kind: round(float(np.mean(sizes)), 1) for kind, sizes in kib.items()},
    }


def _artifact(kind: str, arch_id: str, settings: MeasureSettings, folder: Path) -> Artifact:
    network = build_cell(arch_id, settings)
    if kind != REPEATED:
        redraw_weights(network, settings.network.input_shape, seed=1 if kind == BEFORE else 2)
    return make_artifact(f"{kind} {arch_id}", network, settings.shape, settings.runtime, folder)


def _compressed(artifacts: list[Artifact], kind: str, folder: Path) -> list[float]:
    return [
        sum(len(zlib.compress((folder / file.file).read_bytes())) for file in one.files) / 1024
        for one in artifacts
        if one.name.startswith(kind)
    ]


def _ratios(ms: dict[str, float]) -> dict[str, dict[str, float]]:
    before, repeated, after = (
        np.array([value for name, value in ms.items() if name.startswith(kind)])
        for kind in (BEFORE, REPEATED, AFTER)
    )
    return {
        "repeated_over_independent": _spread(repeated / np.sqrt(before * after)),
        "noise": _spread(after / before),
    }


def _spread(ratios: np.ndarray) -> dict[str, float]:
    low, middle, high = np.quantile(ratios, (0.1, 0.5, 0.9))
    return {"p10": round(low, 4), "median": round(middle, 4), "p90": round(high, 4)}


def main() -> None:
    """Compare by the settings of conf/base."""
    cells = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    values = parameters("timing")
    protocol = Protocol(values["warmup"], values["runs"], values["repeats"])
    runtime = get_runtime(values["runtime"], precision=values["precision"])
    print(json.dumps(compare_weights(cells, MeasureSettings(runtime, protocol))))


if __name__ == "__main__":
    main()
