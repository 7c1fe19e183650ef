"""A metric of a device from few rows or many: adapted from known devices, or learnt alone.

`fit_device` tries both and decides on left-out rows. It returns a `DevicePredictor`: a value and
a calibrated interval for every cell. Known devices are known by their latencies; another metric is
adapted from the same latencies.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import torch

from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.graphs import DEVICE_VIEWS, GraphBatch, SpaceGraphs, View
from brpnas.predictors.metric import MeasuredRows
from brpnas.predictors.training import TrainingConfig
from brpnas.predictors.transfer.calibration import calibrate
from brpnas.predictors.transfer.folds import FoldNetworks, fit_folds
from brpnas.predictors.transfer.kernel import (
    DeviceRows,
    Hyperparameters,
    Posterior,
    adapt_hyperparameters,
    condition,
    log_evidence,
)
from brpnas.predictors.transfer.predictor import DevicePredictor
from brpnas.predictors.transfer.prior import KNOWN_GROUPS, DevicePrior, PriorFeatures

__all__ = ["AdaptConfig", "DevicePredictor", "fit_device"]

ADAPTED, GRAPH_ALONE, NETWORK, BOTH = "adapted", "graph alone", "network", "adapted + network"
"""Ways to predict a device: from known devices; by the same process without them; by graph
networks trained on its rows alone; the mean of the first and the last."""

LEAST_ROWS = 5
_SHRINK = (0.0, -1.0, -2.0, -3.0, -4.0)
"""Candidate shifts of the log weights of all features except the latency of one known device."""
_DOUBT = 3.0
"""Least gain in log evidence for following one known device."""
_MARGIN = {GRAPH_ALONE: 0.6}
"""Share of the best other error that a way must stay below: errors of few rows are noisy."""
_PILOT = 0.4
"""Share of the epochs before the choice of the view of the networks."""


@dataclass(frozen=True)
class AdaptConfig:
    """How a predictor is adapted to a device.

    Args:
        coverage: Nominal coverage of the intervals.
        hyperparameter_deviation: Standard deviation of the prior on the log hyperparameters, around
            those of known devices.
        steps: Optimisation steps of the hyperparameters.
        tuning_rows: Most rows to fit the hyperparameters to.
        process_rows: Most rows in the Gaussian process.
        network_rows: Fewest rows for networks trained on the device alone.
        folds: Number of these networks; each is trained without one fold.
        network: Size and schedule of these networks.
    """

    coverage: float = 0.9
    hyperparameter_deviation: float = 1.5
    steps: int = 40
    tuning_rows: int = 400
    process_rows: int = 1000
    network_rows: int = 100
    folds: int = 5
    network: TrainingConfig = field(default_factory=TrainingConfig)

    def __post_init__(self) -> None:
        for name in (
            "hyperparameter_deviation",
            "steps",
            "tuning_rows",
            "process_rows",
            "network_rows",
        ):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be positive, not {getattr(self, name)!r}.")
        if not 0 < self.coverage < 1:
            raise ConfigurationError(
                f"coverage must lie above 0 and below 1, not at {self.coverage!r}."
            )
        if self.folds < 2:
            raise ConfigurationError(f"folds must be 2 or more, not {self.folds}.")


def fit_device(
    graphs: SpaceGraphs,
    rows: MeasuredRows,
    prior: DevicePrior,
    config: AdaptConfig,
    *,
    metric: str = LATENCY_MS,
    seed: int = 0,
    pool: Executor | None = None,
    progress: bool = False,
) -> DevicePredictor:
    """Learn a metric of a device from its rows and a prior from known devices.

    Args:
        graphs: The space.
        rows: Measured rows, without test rows.
        prior: Prior from known devices, without this one.
        config: Configuration.
        metric: Name of the metric of the rows, one of `brpnas.datasets.MEASURED`.
        seed: Decides subsets, folds and weights.
        pool: Processes to train networks in, see `brpnas.predictors.training_pool`.
        progress: Show a progress bar.

    Raises:
        UnknownNameError: If no such metric is measured.
        ConfigurationError: If there are fewer than five rows, cells are repeated, or the prior is
            of another space.
        TrainingError: If the values cannot be fitted.
    """
    if metric not in MEASURED:
        raise UnknownNameError("measured metric", metric, MEASURED)
    if len(rows.rows) < LEAST_ROWS:
        raise ConfigurationError(
            f"A device needs {LEAST_ROWS} measured cells or more, not {len(rows.rows)}."
        )
    if len(np.unique(rows.rows)) < len(rows.rows):
        raise ConfigurationError(
            "Some cells are repeated and cannot be left out: give one latency of each, such as "
            "the median."
        )
    if prior.space != graphs.space:
        raise ConfigurationError(
            f"The prior is of the space {prior.space}, the graphs of {graphs.space}."
        )
    order = np.random.default_rng(seed).permutation(len(rows.rows))
    log = np.log(np.asarray(rows.values, np.float64))
    views = {name: graphs.view(name)[rows.rows] for name in DEVICE_VIEWS}
    kept, tuning = order[: config.process_rows], order[: config.tuning_rows]
    every = DeviceRows(prior.features.of(views), torch.from_numpy(log))
    alone = _adapted(prior.hyperparameters, every, tuning, config)
    tuned = {name: batch[tuning] for name, batch in views.items()}
    features, centre = _resembling(prior, tuned, _part(every, tuning))
    if features.like is None:
        hyperparameters = alone
    else:
        every = DeviceRows(features.of(views), every.target)
        hyperparameters = _adapted(centre, every, tuning, config)
    processes = _processes(hyperparameters, alone, features.groups, _part(every, kept))
    view = _view(alone, prior.features.groups, _part(every, tuning))
    seen = log[kept]
    left_out = {name: process.left_out.numpy() for name, process in processes.items()}
    networks = None
    if len(log) >= config.network_rows:
        view, networks = _networks(views, log, config, seed, pool, progress=progress)
        left_out[NETWORK] = networks.left_out[kept]
        left_out[BOTH] = (left_out[ADAPTED] + left_out[NETWORK]) / 2
    errors = {name: float(np.abs(predicted - seen).mean()) for name, predicted in left_out.items()}
    method = _best(errors)
    process = processes.get(method, processes[ADAPTED])
    deviation = process.left_out_variance.sqrt().numpy()
    used = features if len(process.features) == len(features.groups) else prior.features
    row_by_row = np.full(len(log), np.nan)
    row_by_row[kept] = np.exp(left_out[method])
    return DevicePredictor(
        used,
        process,
        networks if method in (NETWORK, BOTH) else None,
        {NETWORK: 1.0, BOTH: 0.5}.get(method, 0.0),
        view,
        calibrate(left_out[method] - seen, deviation, config.coverage),
        config.coverage,
        method,
        errors,
        len(log),
        prior.space,
        tuple(prior.devices[column] for column in prior.features.columns),
        row_by_row,
        metric,
    )


def _best(errors: Mapping[str, float]) -> str:
    """Way with the least error; known devices are ignored only for a clear gain."""
    weighed = {name: error / _MARGIN.get(name, 1.0) for name, error in errors.items()}
    return min(weighed, key=lambda name: weighed[name])


def _part(rows: DeviceRows, kept: npt.NDArray[np.int64]) -> DeviceRows:
    return DeviceRows([x[kept] for x in rows.features], rows.target[kept])


def _adapted(
    centre: Hyperparameters, rows: DeviceRows, tuning: npt.NDArray[np.int64], config: AdaptConfig
) -> Hyperparameters:
    return adapt_hyperparameters(
        centre,
        _part(rows, tuning),
        hyperparameter_deviation=config.hyperparameter_deviation,
        steps=config.steps,
    )


def _resembling(
    prior: DevicePrior, views: Mapping[View, GraphBatch], rows: DeviceRows
) -> tuple[PriorFeatures, Hyperparameters]:
    """Features and hyperparameters of a device that follows one known device, if rows favour it.

    A near duplicate of a known device needs a far smaller deviation than the prior expects. Each
    known device is tried with all other weights shrunk. It is taken if its evidence beats shrinking
    alone, after a penalty for the number of trials. The first shift is 0.
    """
    known = prior.features.latencies(views)
    scaled = [prior.hyperparameters.scaled(shift) for shift in _SHRINK]
    alone = [log_evidence(hyperparameters, rows) for hyperparameters in scaled]
    doubt = math.log(len(scaled))
    base, best = max(alone[0], max(alone) - doubt), _DOUBT
    found: tuple[PriorFeatures, Hyperparameters] = (prior.features, prior.hyperparameters)
    doubt += math.log(max(1, known.shape[1]))
    weight = math.log(max(float(rows.target.var()), 1e-4))
    for column in range(known.shape[1]):
        longer = DeviceRows([*rows.features, known[:, [column]]], rows.target)
        for others in scaled:
            hyperparameters = others.resembling(weight)
            gain = log_evidence(hyperparameters, longer) - base - doubt
            if gain > best:
                best, found = gain, (prior.features.resembling(column), hyperparameters)
    return found


def _processes(
    hyperparameters: Hyperparameters,
    alone: Hyperparameters,
    groups: Sequence[str],
    rows: DeviceRows,
) -> dict[str, Posterior]:
    """The process with known devices, and the one with the graph alone."""
    count = len(alone.linear)
    known = [groups.index(name) for name in KNOWN_GROUPS]
    return {
        ADAPTED: condition(hyperparameters, rows),
        GRAPH_ALONE: condition(
            alone.without(known), DeviceRows(rows.features[:count], rows.target)
        ),
    }


def _view(hyperparameters: Hyperparameters, groups: Sequence[str], rows: DeviceRows) -> View:
    """View with the smaller leave-one-out error of its features alone."""
    errors: dict[View, float] = {}
    for view in DEVICE_VIEWS:
        others = [g for g, name in enumerate(groups) if not name.startswith(view)]
        process = condition(
            hyperparameters.without(others), DeviceRows(rows.features[: len(groups)], rows.target)
        )
        errors[view] = float((process.left_out - rows.target).abs().mean())
    return min(DEVICE_VIEWS, key=lambda name: errors[name])


def _networks(
    views: Mapping[View, GraphBatch],
    log: npt.NDArray[np.float64],
    config: AdaptConfig,
    seed: int,
    pool: Executor | None,
    *,
    progress: bool,
) -> tuple[View, FoldNetworks]:
    """Networks in the view with the smaller left-out error after short training."""
    pilot = replace(config.network, epochs=max(1, round(config.network.epochs * _PILOT)))

    def trained(view: View, network: TrainingConfig, folds: int) -> FoldNetworks:
        return fit_folds(views[view], log, network, folds, seed=seed, pool=pool, progress=progress)

    errors = {
        view: float(np.abs(trained(view, pilot, 2).left_out - log).mean()) for view in DEVICE_VIEWS
    }
    view = min(DEVICE_VIEWS, key=lambda name: errors[name])
    return view, trained(view, config.network, config.folds)
