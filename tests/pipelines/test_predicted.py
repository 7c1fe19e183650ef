"""Outputs of `train` for the task."""

from __future__ import annotations

import pandas as pd

from pipelines.predicted import of_task, task_device, task_rows

PREDICTIONS = pd.DataFrame(
    {
        "metric": ["latency_ms"] * 2 + ["energy_mj"] * 2 + ["latency_ms"],
        "device": ["phone"] * 4 + ["box"],
        "arch_id": ["a", "b", "a", "b", "a"],
        "predicted": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
)


def test_the_first_entry_is_of_the_task() -> None:
    assert of_task({"latency_ms@phone": 1, "latency_ms@box": 2}) == 1


def test_the_task_has_the_first_device() -> None:
    assert task_device(PREDICTIONS) == "phone"
    assert task_device(PREDICTIONS.iloc[4:]) == "box"


def test_rows_of_the_task_are_of_one_metric_and_device() -> None:
    assert task_rows(PREDICTIONS)["predicted"].tolist() == [1.0, 2.0]
    assert task_rows(PREDICTIONS.iloc[4:])["predicted"].tolist() == [5.0]
