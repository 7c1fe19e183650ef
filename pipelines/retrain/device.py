"""Objects between the nodes of the stage `retrain`: the adapted device, and its exported file."""

from __future__ import annotations

from dataclasses import dataclass

from brpnas.predictors.transfer import DevicePredictor

__all__ = ["AdaptedDevice", "ExportedPredictor"]


@dataclass(frozen=True, eq=False)
class AdaptedDevice:
    """A device and the predictor adapted to it.

    Attributes:
        name: Name of the device.
        predictor: The predictor.
        known: Whether the prior was trained on earlier rows of this device too.
        transfer: Note on known devices of another network size; empty without such devices.
    """

    name: str
    predictor: DevicePredictor
    known: bool
    transfer: str


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
