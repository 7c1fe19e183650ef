"""Objects between the nodes of the stage `retrain`: the adapted device, and its exported file."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from brpnas.datasets import MEASURED, DeviceMetric
from brpnas.datasets.metrics import LATENCY_MS
from brpnas.predictors.transfer import DevicePredictor

__all__ = ["AdaptedDevice", "ExportedPredictor", "measured_column"]


@dataclass(frozen=True, eq=False)
class AdaptedDevice:
    """A device and the predictor adapted to it.

    Attributes:
        metric: The metric of the device.
        predictor: The predictor.
        known: Whether the prior was trained on earlier rows of this metric of the device too.
        transfer: Note on known devices of another network size; empty without such devices.
    """

    metric: DeviceMetric
    predictor: DevicePredictor
    known: bool
    transfer: str

    @property
    def folder(self) -> str:
        """Name of its folders: the device for latency, ``energy_mj@device`` for another metric."""
        is_latency = self.metric.metric == LATENCY_MS
        return str(self.metric.device if is_latency else self.metric)


@dataclass(frozen=True)
class ExportedPredictor:
    """The predictor as ONNX.

    Attributes:
        onnx: The file.
        error: Largest error against torch.
        tolerance: Largest error allowed.
    """

    onnx: bytes
    error: float
    tolerance: float


def measured_column(rows: pd.DataFrame) -> str:
    """The metric of a table of rows of one metric."""
    return next(name for name in MEASURED if name in rows)
