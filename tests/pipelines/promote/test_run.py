"""The stage as a whole, on tiny predictors: registered, promoted, and kept the second time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from mlflow.tracking import MlflowClient

from brpnas.datasets import held_out
from brpnas.graphs import SpaceGraphs
from pipelines.datasets import JSONDataset
from pipelines.promote import create_pipeline
from tests.pipelines.promote.toys import PARITY, SHARE, inputs
from tests.pipelines.registry.conftest import using


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
    names = {"latency-board", "energy-board", "accuracy-toys"}
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
    assert any("test rows" in reason for reason in found["reasons"])


def test_a_failed_parity_is_refused(workspace: Path, small_graphs: SpaceGraphs) -> None:
    values = inputs(small_graphs) | {
        "parity": PARITY | {"predictors": {"latency_ms@board": 0.1, "energy_mj@board": 0.0}}
    }
    found = run(values, workspace)
    assert found["latency-board"]["verdict"] == "refused"
    assert found["accuracy-toys"]["verdict"] == "promoted"
