"""Small predictors, trained in a second, to ask on the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from brpnas.export import export_predictor
from brpnas.predictors import (
    MeasuredRows,
    MetricPredictor,
    PairwiseRanker,
    TrainingConfig,
    fit_metric,
)
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201.cost import cost

LATENCY = Path("data/06_models/predictors/latency_ms@amd-epyc-onnxruntime-fp32-1t.safetensors")
RANKER = Path("data/06_models/ranker.safetensors")
CONFIG = TrainingConfig(hidden=8, layers=2, epochs=3)
BOARD = Path("data/06_models/devices/my-board/predictor.onnx")
SPACE = NasBench201()


def train_latency() -> MetricPredictor:
    """A predictor of a device with latency linear in the multiply-adds."""
    graphs = SPACE.graphs()
    rows = np.random.default_rng(0).choice(len(graphs), 60, replace=False)
    flops = cost(SPACE.codes([graphs.arch_ids[row] for row in rows]))[1]
    latency = 1 + flops / 1e8
    train, valid = (MeasuredRows(rows[part], latency[part]) for part in np.split(range(60), [40]))
    return fit_metric(graphs, train, valid, CONFIG, view="pruned", members=1)


def train_ranker() -> PairwiseRanker:
    """A predictor that gives costly cells a high accuracy."""
    arch_ids = SPACE.sample(np.random.default_rng(1), 40)
    predictor = PairwiseRanker(CONFIG, members=1)
    accuracy = cost(SPACE.codes(arch_ids))[1] / 3e8
    predictor.fit(SPACE.encode(arch_ids, predictor.view), accuracy, seed=0)
    return predictor


def write_models(root: Path) -> None:
    """Write both, and one of a device, where the pipeline would, below ``root``."""
    (root / LATENCY).parent.mkdir(parents=True)
    latency = train_latency()
    latency.save(root / LATENCY)
    (root / BOARD).parent.mkdir(parents=True)
    graphs = SPACE.graphs(SPACE.enumerate()[:50]).view(latency.view)
    about = {"space": "nasbench201", "view": latency.view, "device": "my-board"}
    export_predictor(
        latency.module(), root / BOARD, graphs, "latency_ms", about, exporter="torchscript"
    )
    train_ranker().save(root / RANKER)
