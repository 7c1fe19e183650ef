"""From known devices to a new one: a latency predictor from as few as five measured cells.

`fit_prior` learns a `DevicePrior` from the tables of known devices, and `shipped_prior` loads one.
`suggest_rows` chooses the cells of a new device to measure first. `fit_device` learns its latency
from its rows and the prior: a `DevicePredictor` with calibrated intervals. `predict_known` predicts
a known device by the prior alone. Without a prior, use
`brpnas.predictors.fit_metric`. docs/method.md explains and evaluates the method.
"""

from brpnas.predictors.transfer.device import AdaptConfig, DevicePredictor, fit_device
from brpnas.predictors.transfer.known_device import DeviceAnswers, known_device, predict_known
from brpnas.predictors.transfer.prior import DevicePrior, fit_prior
from brpnas.predictors.transfer.shared_network import SharedNetworkConfig
from brpnas.predictors.transfer.shipped import has_shipped_prior, shipped_prior
from brpnas.predictors.transfer.suggest import suggest_rows

__all__ = [
    "AdaptConfig",
    "DeviceAnswers",
    "DevicePredictor",
    "DevicePrior",
    "SharedNetworkConfig",
    "fit_device",
    "fit_prior",
    "has_shipped_prior",
    "known_device",
    "predict_known",
    "shipped_prior",
    "suggest_rows",
]
