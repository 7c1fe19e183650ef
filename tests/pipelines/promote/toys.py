"""Outputs of `export`, on a board and a data set with sums of costs as true values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from brpnas.graphs import SpaceGraphs
from tests.export.costs import COSTS, cost_model, cost_of
from tests.pipelines.registry.toys import config

PARITY = {
    "predictors": {"latency_ms@board": 1e-7, "energy_mj@board": 2e-7},
    "ranker": 1e-7,
    "network": 1e-7,
    "tolerance": 1e-5,
}
SHARE = 0.5
CARD = "# Both\n"


class Ranker:
    """A minimal pairwise ranker for the stage; its file gives the same scores."""

    view = "raw"

    def __init__(self, graphs: SpaceGraphs) -> None:
        self._scores = {tuple(o): c for o, c in zip(*self._pairs(graphs), strict=True)}

    @staticmethod
    def _pairs(graphs: SpaceGraphs) -> tuple[list[list[int]], list[float]]:
        return graphs.view("raw").ops.tolist(), cost_of(list(graphs.arch_ids)).tolist()

    def score(self, graphs: Any) -> np.ndarray:
        """Score of each graph: its costs."""
        return np.array([self._scores[tuple(row)] for row in graphs.ops.tolist()])


def inputs(graphs: SpaceGraphs) -> dict[str, Any]:
    """All inputs of the stage, by name in the catalog."""
    cells = list(graphs.arch_ids)
    cost = cost_of(cells)
    noise = np.random.default_rng(0).normal(0, 0.02, len(cells))
    latency = pd.DataFrame(
        {
            "metric": "latency_ms",
            "device": "board",
            "arch_id": cells,
            "split": "test",
            "measured": cost * np.exp(noise),
            "predicted": cost,
        }
    )
    energy = latency.assign(
        metric="energy_mj", measured=3 * latency["measured"], predicted=3 * cost
    )
    accuracy = pd.DataFrame(
        {
            "arch_id": cells,
            "dataset": "toys",
            "split": "test",
            "seed": pd.array([0] * len(cells), dtype="Int64"),
            "epochs": 1,
            "accuracy": 0.5 + 0.01 * cost + 0.001 * noise,
            "train_time_s": 1.0,
        }
    )
    return {
        "predictors_onnx": {
            "latency_ms@board.onnx": cost_model(),
            "energy_mj@board.onnx": cost_model([3 * cost for cost in COSTS], value="energy_mj"),
        },
        "ranker_onnx": cost_model(value="score"),
        "predictions": pd.concat([latency, energy], ignore_index=True),
        "ranker": Ranker(graphs),
        "space_graphs": graphs,
        "accuracy": accuracy,
        "search_result": {"task": {"dataset": "toys"}},
        "parity": PARITY,
        "model_card": CARD,
        "params:test_share": SHARE,
        "params:promote": config().model_dump(),
    }
