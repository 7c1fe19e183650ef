"""What a latency predictor is to a search, an export and the command line: few rows or many.

`LatencyPredictor` is trained on the rows of a device alone, and stopped by validation rows;
`brpnas.predictors.transfer.DevicePredictor` is adapted from known devices to as few as ten rows.
`load_latency` reads the file of either.
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
from brpnas.predictors.latency import LatencyPredictor

__all__ = ["LatencyModel", "load_latency"]


class LatencyModel(Protocol):
    """Predicts the latency of architectures on one device."""

    @property
    def view(self) -> View:
        """View of a cell that describes what the device executes."""

    @property
    def views(self) -> tuple[View, ...]:
        """Views of a cell that it reads."""

    @property
    def history(self) -> pd.DataFrame:
        """Losses, ``member, epoch, train_loss, valid_loss``; no rows if none were kept."""

    def predict(self, graphs: SpaceGraphs) -> npt.NDArray[np.float64]:
        """Latency in ms of every architecture, shape ``[N]``."""

    def bounds(self, graphs: SpaceGraphs, lower: float, upper: float) -> npt.NDArray[np.float64]:
        """Latency, and bounds that a measurement is within with given probabilities.

        Args:
            graphs: Architectures.
            lower: Probability that a measurement is not below the lower bound, from 0 to below 1;
                0 for the prediction itself.
            upper: The same of the upper bound.

        Returns:
            Latency, lower and upper bound in ms, shape ``[N, 3]``.
        """

    def module(self) -> nn.Module:
        """Torch module of the `views` to latency in ms, for export."""

    def digest(self) -> str:
        """Short hash of what it predicts with."""

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""


def load_latency(path: Path) -> LatencyModel:
    """Read a latency predictor of either kind.

    Raises:
        SchemaError: If the file holds none.
    """
    kind = kind_of(path)
    if kind == "device_latency":
        from brpnas.predictors.transfer import DevicePredictor  # noqa: PLC0415 - it imports this

        return DevicePredictor.load(path)
    if kind != "latency":
        raise SchemaError(f"{path} holds {kind!r}, not a latency predictor.")
    return LatencyPredictor.load(path)
