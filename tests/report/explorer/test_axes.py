from __future__ import annotations

import pytest

from brpnas.datasets.metrics import COMPUTED, MEASURED
from brpnas.report.explorer.axes import axis_of, predicted


@pytest.mark.parametrize(
    ("column", "label", "metric"),
    [
        ("test_accuracy", "Mean test balanced accuracy (%)", ""),
        ("valid_accuracy", "Validation balanced accuracy (%)", ""),
        ("latency_ms", "Measured latency (ms)", "latency_ms"),
        ("predicted_energy_mj", "Predicted energy (mJ)", "energy_mj"),
        ("predicted_latency_ms@a-b", "Predicted latency on a-b (ms)", "latency_ms@a-b"),
        ("params_m", "Parameters (M)", "params_m"),
        ("predicted_params_m", "Parameters (M)", "params_m"),
    ],
)
def test_labels_have_units(column: str, label: str, metric: str) -> None:
    axis = axis_of(column, "balanced accuracy")
    assert axis is not None
    assert (axis.name, axis.label, axis.metric) == (column, label, metric)


@pytest.mark.parametrize(
    "column",
    ["arch_id", "round", "predicted_", "predicted_nothing", "params_m@a", "latency_ms@", ""],
)
def test_other_columns_are_no_axes(column: str) -> None:
    assert axis_of(column) is None


def test_low_is_better_for_every_metric_and_high_for_accuracies() -> None:
    for name in (*MEASURED, *COMPUTED, *map(predicted, MEASURED)):
        assert axis_of(name).cost  # type: ignore[union-attr]
    assert not axis_of("test_accuracy").cost  # type: ignore[union-attr]
