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
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.graphs import DEVICE_VIEWS, GraphBatch, SpaceGraphs, View
from brpnas.predictors.metric import MeasuredRows
from brpnas.predictors.training import TrainingConfig
from brpnas.predictors.transfer.calibration import calibrate
from brpnas.predictors.transfer.folds import fit_folds
from brpnas.predictors.transfer.kernel import (
    DeviceRows,
    Hyperparameters,
    Posterior,
    adapt_hyperparameters,
    condition,
    log_evidence,
    log_evidence_following,
)
from brpnas.predictors.transfer.predictor import DevicePredictor
from brpnas.predictors.transfer.prior import KNOWN_GROUPS, DevicePrior, PriorFeatures

__all__ = ["AdaptConfig", "DevicePredictor", "fit_device"]

ADAPTED, GRAPH_ALONE, NETWORK = "adapted", "graph alone", "network"
"""Ways to predict a device: from known devices; by the same process without them; by graph
networks trained on its rows alone, also beside one of the others (``adapted + network``)."""

LEAST_ROWS = 5
_SHIFTS = (0.0, -1.0, -2.0, -3.0, -4.0, 1.0, 2.0, 3.0, 4.0)
"""Candidate shifts of the log weights of all features except the latency of one known device."""
_NOISIER = tuple(map(float, range(8)))
"""Candidate shifts of the log noise where one view alone must explain the rows."""
_DOUBT = 3.0
"""Least gain in log evidence for following one known device."""
_MARGIN = {GRAPH_ALONE: 0.6}
"""Share of the best other error that a way must stay below: errors of few rows are noisy."""
_STACK = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
"""Candidate weights of the networks in the logarithm."""
_WORTH = 1e-6
"""Least relative gain in left-out error for a training step of the networks: 1 % for 10,000."""


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
    view = _view(alone, prior.features.groups, _part(every, kept))
    seen = log[kept]
    left_out = {name: process.left_out.numpy() for name, process in processes.items()}
    errors = {name: float(np.abs(x - seen).mean()) for name, x in left_out.items()}
    method = _best(errors)
    process, networks, weight = processes[method], None, 0.0
    if len(log) >= config.network_rows:
        alone_out = np.full(len(log), np.nan)
        alone_out[kept] = left_out[method]
        networks = fit_folds(
            views[view],
            log,
            config.network,
            config.folds,
            pays=partial(_pays, alone_out, log, config),
            seed=seed,
            pool=pool,
            progress=progress,
        )
    predicted = left_out[method]
    if networks is not None:
        own = networks.left_out[kept]
        weight, error = _stack(predicted, own, seen)
        predicted = (1 - weight) * predicted + weight * own
        errors |= {NETWORK: float(np.abs(own - seen).mean()), f"{method} + {NETWORK}": error}
        method = {0.0: method, 1.0: NETWORK}.get(weight, f"{method} + {NETWORK}")
    deviation = process.left_out_variance.sqrt().numpy()
    used = features if len(process.features) == len(features.groups) else prior.features
    row_by_row = np.full(len(log), np.nan)
    row_by_row[kept] = np.exp(predicted)
    return DevicePredictor(
        used,
        process,
        networks if weight else None,
        weight,
        view,
        calibrate(predicted - seen, deviation, config.coverage),
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


def _stack(
    process: npt.NDArray[np.float64],
    networks: npt.NDArray[np.float64],
    seen: npt.NDArray[np.float64],
) -> tuple[float, float]:
    """Weight of the networks with the least left-out error, and this error.

    Stacking (Breiman, Machine Learning 24, 1996).
    """
    errors = {w: float(np.abs((1 - w) * process + w * networks - seen).mean()) for w in _STACK}
    best = min(errors, key=lambda weight: errors[weight])
    return best, errors[best]


def _pays(
    process: npt.NDArray[np.float64],
    seen: npt.NDArray[np.float64],
    config: AdaptConfig,
    rows: npt.NDArray[np.int64],
    networks: npt.NDArray[np.float64],
) -> bool:
    """Whether the networks of the other folds are worth their steps, by the first one.

    Steps stand for seconds, so the same rows give the same predictor on any machine.
    """
    known = np.isfinite(process[rows])
    rows, networks = rows[known], networks[known]
    alone = float(np.abs(process[rows] - seen[rows]).mean())
    _, stacked = _stack(process[rows], networks, seen[rows])
    batches = math.ceil(len(seen) * (1 - 1 / config.folds) / config.network.batch_size)
    steps = (config.folds - 1) * config.network.epochs * batches
    return alone - stacked > _WORTH * steps * alone


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

    A near duplicate of a known device needs a far smaller deviation than the prior expects, and a
    device of another kind a larger one. Each known device is tried with all other weights shifted.
    It is taken if its evidence beats shifts alone, after a penalty for the number of trials: a
    device that only scatters more follows none. The first shift is 0.
    """
    known = prior.features.latencies(views)
    scaled = [prior.hyperparameters.scaled(shift) for shift in _SHIFTS]
    alone = [log_evidence(hyperparameters, rows) for hyperparameters in scaled]
    doubt = math.log(len(scaled))
    base = max(alone[0], max(alone) - doubt)
    found: tuple[PriorFeatures, Hyperparameters] = (prior.features, prior.hyperparameters)
    if not known.shape[1]:
        return found
    weight = math.log(max(float(rows.target.var()), 1e-4))
    evidence = torch.stack(
        [log_evidence_following(others, rows, known, weight) for others in scaled]
    )
    gain = evidence - base - doubt - math.log(known.shape[1])
    shift, column = divmod(int(gain.argmax()), known.shape[1])
    if float(gain[shift, column]) > _DOUBT:
        found = prior.features.resembling(column), scaled[shift].resembling(weight)
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
    """View whose features alone make the rows likelier, each with the noise that suits it.

    Not by the left-out error, which a few outliers decide. Without more noise, outliers favour the
    raw view: it tells more cells apart.
    """
    evidence: dict[View, float] = {}
    for view in DEVICE_VIEWS:
        own = [g for g, name in enumerate(groups) if name.startswith(view)]
        seen = DeviceRows([rows.features[g] for g in own], rows.target)
        alone = hyperparameters.only(own)
        evidence[view] = max(
            log_evidence(replace(alone, noise=alone.noise + more), seen) for more in _NOISIER
        )
    return max(DEVICE_VIEWS, key=lambda name: evidence[name])
