"""The stage as a whole, on tiny predictors: registered, promoted, and kept the second time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from mlflow.tracking import MlflowClient

from brpnas.datasets import held_out
from brpnas.graphs import SpaceGraphs
from pipelines.datasets import JSONDataset
from pipelines.promote import create_pipeline
from pipelines.promote.nodes import register_accuracy, register_latency
from tests.export.costs import cost_model, cost_of
from tests.pipelines.registry.conftest import using
from tests.pipelines.registry.toys import config

PARITY = {"latency": 1e-7, "relation": 1e-7, "network": 1e-7, "tolerance": 1e-5}
SHARE = 0.5


class Ranker:
    """What the stage asks of a binary relation predictor; its file scores alike."""

    view = "raw"

    def __init__(self, graphs: SpaceGraphs) -> None:
        self._scores = {tuple(o): c for o, c in zip(*self._pairs(graphs), strict=True)}

    @staticmethod
    def _pairs(graphs: SpaceGraphs) -> tuple[list[list[int]], list[float]]:
        return graphs.view("raw").ops.tolist(), cost_of(list(graphs.arch_ids)).tolist()

    def score(self, graphs: Any) -> np.ndarray:
        return np.array([self._scores[tuple(row)] for row in graphs.ops.tolist()])


def inputs(graphs: SpaceGraphs) -> dict[str, Any]:
    cells = list(graphs.arch_ids)
    cost = cost_of(cells)
    noise = np.random.default_rng(0).normal(0, 0.02, len(cells))
    latency = pd.DataFrame(
        {
            "arch_id": cells,
            "device": "board",
            "split": "test",
            "latency_ms": cost * np.exp(noise),
            "predicted_latency_ms": cost,
        }
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
        "latency_onnx": cost_model(),
        "relation_onnx": cost_model(value="score"),
        "latency_predictions": latency,
        "relation_predictor": Ranker(graphs),
        "space_graphs": graphs,
        "accuracy": accuracy,
        "search_result": {"dataset": "toys"},
        "parity": PARITY,
        "model_card": "# Both\n",
        "params:test_share": SHARE,
        "params:promote": config().model_dump(),
    }


def run(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    data: dict[str, Any] = {name: MemoryDataset(value, "assign") for name, value in values.items()}
    data["promotion_report"] = JSONDataset(filepath=str(folder / "promotion.json"))
    SequentialRunner().run(create_pipeline(), DataCatalog(data))
    found: dict[str, Any] = json.loads((folder / "promotion.json").read_text())
    return found


@pytest.fixture
def workspace(tmp_path: Path, empty_database: Path) -> Iterator[Path]:
    with using(empty_database, tmp_path):
        yield tmp_path


def test_the_first_is_promoted_and_an_equal_one_is_not(
    workspace: Path, small_graphs: SpaceGraphs
) -> None:
    values = inputs(small_graphs)
    first = run(values, workspace)
    names = {"latency-board", "accuracy-toys"}
    assert {name: first[name]["verdict"] for name in first} == dict.fromkeys(names, "promoted")
    second = run(values, workspace)
    assert {name: second[name]["verdict"] for name in second} == dict.fromkeys(names, "kept")
    client = MlflowClient()
    for name in names:
        assert int(client.get_model_version_by_alias(name, "champion").version) == 1
        assert int(client.get_model_version_by_alias(name, "challenger").version) == 2


def test_it_is_judged_on_cells_that_are_always_test_rows(
    workspace: Path, small_graphs: SpaceGraphs
) -> None:
    found = run(inputs(small_graphs), workspace)
    held = int(held_out(list(small_graphs.arch_ids), SHARE).sum())
    assert {decision["figures"]["rows"] for decision in found.values()} == {held}


def test_a_live_search_has_no_table_to_judge_by(workspace: Path, small_graphs: SpaceGraphs) -> None:
    values = inputs(small_graphs)
    values["accuracy"] = values["accuracy"].head(0)
    found = run(values, workspace)["accuracy-toys"]
    assert found["verdict"] == "refused"
    assert any("no test rows" in reason for reason in found["reasons"])


def test_a_failed_parity_is_refused(workspace: Path, small_graphs: SpaceGraphs) -> None:
    values = inputs(small_graphs) | {"parity": PARITY | {"latency": 0.1}}
    found = run(values, workspace)
    assert found["latency-board"]["verdict"] == "refused"
    assert found["accuracy-toys"]["verdict"] == "promoted"


def test_names_come_from_what_was_exported(workspace: Path, small_graphs: SpaceGraphs) -> None:
    v = inputs(small_graphs)
    latency = register_latency(
        v["latency_onnx"], v["latency_predictions"], PARITY, v["model_card"], SHARE
    )
    accuracy = register_accuracy(
        v["relation_onnx"],
        v["relation_predictor"],
        small_graphs,
        v["accuracy"],
        v["search_result"],
        PARITY,
        v["model_card"],
        SHARE,
    )
    assert (latency, accuracy) == ("latency-board", "accuracy-toys")
