"""Axes of the explorer: metrics with a title, a unit and a direction."""

from __future__ import annotations

from dataclasses import dataclass

from brpnas.datasets.metrics import COMPUTED, METRICS, DeviceMetric
from brpnas.errors import ConfigurationError, UnknownNameError

__all__ = ["TEST", "VALID", "Axis", "axis_of", "predicted"]

TEST = "test_accuracy"
"""Column of the mean test accuracy."""
VALID = "valid_accuracy"
"""Column of the answers of the search."""

_PREDICTED = "predicted_"
_ACCURACIES = {TEST: "Mean test", VALID: "Validation"}


@dataclass(frozen=True)
class Axis:
    """One quantity of an architecture.

    Attributes:
        name: Column of the values.
        title: Such as ``Predicted latency on my-phone``.
        unit: Such as ``ms``; accuracies are shown in ``%``.
        cost: Whether low values are better.
        metric: Text of the device metric; empty for an accuracy.
    """

    name: str
    title: str
    unit: str
    cost: bool
    metric: str = ""

    @property
    def label(self) -> str:
        """Title and unit.

        Examples:
            >>> axis_of("predicted_latency_ms@my-phone").label
            'Predicted latency on my-phone (ms)'
        """
        return f"{self.title} ({self.unit})"


def axis_of(column: str, metric: str = "accuracy") -> Axis | None:
    """Return the axis of a column, or None if the column holds no metric.

    Args:
        column: ``test_accuracy``, ``valid_accuracy``, or a device metric in text, with
            ``predicted_`` before it if its values are predictions.
        metric: Metric of the search in words: ``accuracy`` or ``balanced accuracy``.
    """
    if column in _ACCURACIES:
        return Axis(column, f"{_ACCURACIES[column]} {metric}", "%", cost=False)
    text = column.removeprefix(_PREDICTED)
    try:
        parsed = DeviceMetric.parse(text)
    except (ConfigurationError, UnknownNameError):
        return None
    known = METRICS[parsed.metric]
    if parsed.metric in COMPUTED:
        return Axis(column, known.title, known.unit, cost=True, metric=text)
    title = f"{'Measured' if text == column else 'Predicted'} {known.title.lower()}"
    if parsed.device is not None:
        title += f" on {parsed.device}"
    return Axis(column, title, known.unit, cost=True, metric=text)


def predicted(metric: str) -> str:
    """Return the column of the predictions of a device metric."""
    return f"{_PREDICTED}{metric}"
