"""Node of the stage `evaluate`: the table behind the explorer of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from brpnas.datasets import predicted_metrics, rows_of
from brpnas.datasets.lookup import mean_accuracy
from brpnas.spaces import NetworkConfig, get_space
from pipelines.predicted import task_device

__all__ = ["map_space"]

_COSTED = 50_000
"""Largest number of architectures whose costs are computed: 0.3 ms each in NAS-Bench-101."""


def map_space(
    accuracy: pd.DataFrame,
    oracle_accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    search_history: pd.DataFrame,
    search_result: Mapping[str, Any],
) -> pd.DataFrame:
    """Metrics and test accuracy of all architectures, for the explorer.

    Args:
        accuracy: Accuracies of the listed architectures.
        oracle_accuracy: Accuracies of the search's own trainings, if any.
        predictions: Measured and predicted values of the listed architectures.
        search_history: Queries of the search, possibly of unlisted architectures.
        search_result: Result of the search.

    Returns:
        ``arch_id``, ``test_accuracy``, and by device metric relative to the task the measured
        values (``latency_ms``) and the predictions (``predicted_latency_ms``); computed costs, if
        there are at most 50,000 architectures.
    """
    task = search_result["task"]
    space = _listed(predictions)
    others = search_history[~search_history["arch_id"].isin(space["arch_id"])]
    if len(others):
        known = [name for name in space.columns if name in others]
        space = pd.concat([space, others[known].drop_duplicates("arch_id")], ignore_index=True)
    if len(space) <= _COSTED:
        network = NetworkConfig.of_size(search_result["network"]["size"])
        costs = get_space(task["space"]).costs(space["arch_id"].tolist(), network)
        space = space.assign(**costs)
    tested = _test_accuracy(accuracy, oracle_accuracy, task)
    return space.assign(test_accuracy=space["arch_id"].map(tested))


def _listed(predictions: pd.DataFrame) -> pd.DataFrame:
    """The blocks of a table of predictions beside one another."""
    device = task_device(predictions)
    table = predictions[["arch_id"]].drop_duplicates(ignore_index=True)
    for metric in predicted_metrics(predictions):
        name = str(metric.relative_to(device))
        rows = rows_of(predictions, metric).drop_duplicates("arch_id").set_index("arch_id")
        table[name] = table["arch_id"].map(rows["measured"])
        table[f"predicted_{name}"] = table["arch_id"].map(rows["predicted"])
    return table


def _test_accuracy(
    accuracy: pd.DataFrame, oracle_accuracy: pd.DataFrame, task: Mapping[str, Any]
) -> pd.Series[float]:
    """Mean test accuracy by architecture, of the metric of the task; empty without any."""
    oracle, dataset = task["oracle"], task["dataset"]
    table = accuracy if oracle["name"] == "table" else oracle_accuracy
    if oracle["metric"] != "accuracy":
        table = table.assign(accuracy=table[oracle["metric"]])
    tested = (table["dataset"] == dataset) & (table["split"] == "test")
    return mean_accuracy(table, dataset) if tested.any() else pd.Series(dtype="float64")
