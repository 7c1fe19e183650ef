from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.candidates import accuracy_table
from brpnas.spaces import NasBench201, NetworkConfig
from pipelines.evaluate import space as module
from pipelines.evaluate.space import map_space
from tests.pipelines.search.stage import task

SIZE = NetworkConfig(8, 2, 3, (3, 16, 16), 5, executes_dead_ops=False)
CELLS = NasBench201().sample(np.random.default_rng(0), 6)
NONE = accuracy_table([], "cifar100", 1)


def block(metric: str, device: str, factor: float) -> pd.DataFrame:
    """Predictions of the first four cells; the fourth is not measured."""
    return pd.DataFrame(
        {
            "metric": metric,
            "device": device,
            "arch_id": CELLS[:4],
            "measured": [1.0 * factor, 2.0 * factor, 3.0 * factor, np.nan],
            "predicted": [1.5 * factor, 2.5 * factor, 3.5 * factor, 4.5 * factor],
        }
    )


@pytest.fixture
def predictions() -> pd.DataFrame:
    blocks = [
        block("latency_ms", "mine", 1.0),
        block("latency_ms", "other", 10.0),
        block("energy_mj", "mine", 100.0),
    ]
    return pd.concat(blocks, ignore_index=True)


def history(**columns: list[float]) -> pd.DataFrame:
    """Queries of a listed cell, and two of one that is in no list."""
    return pd.DataFrame(
        {"arch_id": [CELLS[0], CELLS[5], CELLS[5]], "predicted_latency_ms": [1.5, 9.0, 9.0]}
    ).assign(**columns)


def result(**oracle: str) -> dict[str, Any]:
    return {
        "task": task(dataset="cifar100", oracle={"name": "table", "metric": "accuracy"} | oracle),
        "network": {"size": SIZE.size},
    }


def test_columns_are_metrics_relative_to_the_task(predictions: pd.DataFrame) -> None:
    table = map_space(NONE, NONE, predictions, history(), result()).set_index("arch_id")
    assert table.index.tolist() == [*CELLS[:4], CELLS[5]]
    for name, factor in {"latency_ms": 1.0, "latency_ms@other": 10.0, "energy_mj": 100.0}.items():
        assert table[name].dropna().tolist() == [factor, 2 * factor, 3 * factor]
        assert table[f"predicted_{name}"][CELLS[3]] == 4.5 * factor
    assert table["predicted_latency_ms"][CELLS[5]] == 9.0
    assert table["test_accuracy"].isna().all()


def test_costs_are_those_of_the_networks_of_the_search(predictions: pd.DataFrame) -> None:
    table = map_space(NONE, NONE, predictions, history(), result())
    for name, values in NasBench201().costs(table["arch_id"].tolist(), SIZE).items():
        assert table[name].tolist() == values.tolist()


def test_costs_of_very_many_are_left_out(
    predictions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_COSTED", 4)
    assert "params_m" not in map_space(NONE, NONE, predictions, history(), result())


@pytest.mark.parametrize(("oracle", "expected"), [("table", 0.5), ("train", 0.7)])
def test_test_accuracies_are_of_the_oracle(
    predictions: pd.DataFrame, oracle: str, expected: float
) -> None:
    def tested(value: float) -> pd.DataFrame:
        rows = {"arch_id": CELLS[0], "dataset": "cifar100", "split": "test", "seed": [0, 1]}
        return pd.DataFrame(rows).assign(accuracy=[value - 0.1, value + 0.1])

    table = map_space(tested(0.5), tested(0.7), predictions, history(), result(name=oracle))
    known = table.set_index("arch_id")["test_accuracy"].dropna()
    assert known.to_dict() == {CELLS[0]: pytest.approx(expected)}
