"""Predictors for the registry: a first champion, and better, worse and broken challengers.

Graph networks of a device that ships, small and trained for seconds, exported to ONNX.
"""

from __future__ import annotations

import copy
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from brpnas.datasets import read_embedded_latency
from brpnas.export import export_predictor
from brpnas.graphs import View
from brpnas.predictors import MeasuredRows, MetricPredictor, TrainingConfig, fit_metric
from brpnas.spaces import get_space

__all__ = ["DEVICE", "TEST_ROWS", "TOLERANCE", "Exported", "broken", "noisy", "train"]

DEVICE = "amd-epyc-onnxruntime-fp32-1t"
VIEW: View = "pruned"
TEST_ROWS = 500
TRAINING = TrainingConfig(hidden=32, layers=3, epochs=30, batch_size=32)
TOLERANCE = 1e-5
ROWS = {"champion": 300, "better": 900, "worse, fewer rows": 60, "worse, shuffled labels": 300}
"""Training rows of each predictor; 100 more choose its weights."""


@dataclass(frozen=True)
class Exported:
    """A predictor as ONNX, with its answers on the test rows, and its largest error."""

    onnx: bytes
    test: pd.DataFrame
    parity: float


def train(seed: int) -> dict[str, Exported]:
    """All predictors of one try, exported."""
    torch.set_num_threads(1)
    graphs = get_space("nasbench201").graphs()
    table = read_embedded_latency(DEVICE)
    rng = np.random.default_rng(seed)
    rows = graphs.rows(table["arch_id"].tolist())
    order = rng.permutation(len(table))
    test, valid, rest = np.split(order, [TEST_ROWS, TEST_ROWS + 100])
    latency = table["latency_ms"].to_numpy()

    def fit(name: str) -> MetricPredictor:
        chosen = rest[: ROWS[name]]
        values = latency[chosen]
        if "shuffled" in name:
            values = rng.permutation(values)
        sets = MeasuredRows(rows[chosen], values), MeasuredRows(rows[valid], latency[valid])
        return fit_metric(graphs, *sets, TRAINING, view=VIEW, members=1, bound=None, seed=seed)

    def export(predictor: MetricPredictor) -> Exported:
        batch = graphs.view(VIEW)[rows[test]]
        known = {"arch_id": table["arch_id"].to_numpy()[test], "true": latency[test]}
        answers = pd.DataFrame(known | {"predicted": predictor.predict_batch(batch)})
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "latency.onnx"
            metadata = {"space": "nasbench201", "view": VIEW, "device": DEVICE}
            parity = export_predictor(
                predictor.module(),
                path,
                batch,
                "latency_ms",
                metadata,
                tolerance=TOLERANCE,
                exporter="torchscript",
            )
            return Exported(path.read_bytes(), answers, parity)

    fitted = {name: fit(name) for name in ROWS}
    fitted["worse, noisy weights"] = noisy(fitted["champion"], rng)
    fitted["NaN"] = broken(fitted["better"], rng)
    return {name: export(predictor) for name, predictor in fitted.items()}


def noisy(predictor: MetricPredictor, rng: np.random.Generator) -> MetricPredictor:
    """Noise of a twentieth of their spread on all weights."""
    ensemble = copy.deepcopy(predictor.ensemble)
    with torch.no_grad():
        for weight in ensemble.parameters():
            noise = torch.from_numpy(rng.normal(0, 1, tuple(weight.shape))).to(weight.dtype)
            weight.add_(noise * 0.05 * weight.std(correction=0))
    return replace(predictor, ensemble=ensemble)


def broken(predictor: MetricPredictor, rng: np.random.Generator) -> MetricPredictor:
    """NaN in one weight."""
    ensemble = copy.deepcopy(predictor.ensemble)
    weights = [weight for weight in ensemble.parameters() if weight.numel()]
    with torch.no_grad():
        flat = weights[int(rng.integers(len(weights)))].view(-1)
        flat[int(rng.integers(len(flat)))] = float("nan")
    return replace(predictor, ensemble=ensemble)
