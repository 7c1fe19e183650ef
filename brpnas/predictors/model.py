"""The interface of predictors of a metric of a device, in search, export and command line.

`MetricPredictor` is trained on the rows of one device and stopped by validation rows.
`brpnas.predictors.transfer.DevicePredictor` is adapted from known devices to as few as five rows.
`load_predictor` reads the file of either.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import nn

from brpnas.errors import SchemaError
from brpnas.graphs import SpaceGraphs, View
from brpnas.predictors.files import kind_of
from brpnas.predictors.metric import MetricPredictor

__all__ = ["MetricModel", "load_predictor"]


class MetricModel(Protocol):
    """Predicts a metric of architectures on one device, such as latency."""

    @property
    def metric(self) -> str:
        """Name of the metric, one of `brpnas.datasets.MEASURED`."""

    @property
    def view(self) -> View:
        """View of a cell closest to the execution on the device."""

    @property
    def views(self) -> tuple[View, ...]:
        """Views of a cell to read."""

    @property
    def network_size(self) -> str | None:
        """Size of the measured networks; None if unknown."""

    @property
    def history(self) -> pd.DataFrame:
        """Losses, ``member, epoch, train_loss, valid_loss``; empty if none were kept."""

    def predict(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
        """The metric of every architecture in its unit, shape ``[N]``."""

    def deviations(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64] | None:
        """Calibrated standard deviation of the logarithm of each prediction, shape ``[N]``.

        None if errors are estimated from validation rows instead.
        """

    def module(self) -> nn.Module:
        """Torch module from the `views` to the metric, for export."""

    def digest(self) -> str:
        """Short hash of the predictions."""

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""


def load_predictor(path: Path) -> MetricModel:
    """Read a predictor of either kind.

    Raises:
        SchemaError: If the file holds none.
    """
    kind = kind_of(path)
    if kind == "device_latency":
        from brpnas.predictors.transfer import DevicePredictor  # noqa: PLC0415 - it imports this

        return DevicePredictor.load(path)
    if kind != "latency":
        raise SchemaError(f"{path} holds {kind!r}, not a predictor of a metric of a device.")
    return MetricPredictor.load(path)
