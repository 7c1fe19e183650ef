"""Latency predictor on the FBNet tables of HELP: 5,000 mobile networks on seven devices.

The protocol is that of `benchmarks.latency`: for each seed 900 random architectures train, 100
validate, the other 4,000 test, with the settings of the stage `train`.
*sum* is a sum over the blocks, fitted by least squares to the logarithms of the same 1,000 rows.
*new device*: each device in turn is new, a prior is learnt from the other six, and 10 rows adapt
it, suggested or random; all others test.

The machines drifted while they measured. *drift* is the correlation of the residuals of *sum*, if
it is fitted to all 5,000 rows, between neighbours in the published order: the architectures are
random, so this part of the error is not theirs. *all rows* is the Spearman correlation of this fit
with the rows that it was fitted to, for comparison. Three figures bound what any predictor can
reach, each on rows left out in five folds over all 5,000: *left out*, the sum; *pairs*, the sum
with a weight for each pair of neighbouring blocks; *steady*, the sum against latencies from which
the errors that the 24 neighbours in the published order predict have been taken away. *explained*
is the share of the squared error that these predict. Two phones were timed in whole milliseconds;
`mean` is over the other five devices.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from torch import Tensor

from benchmarks.adapt import configuration
from benchmarks.data import (
    CACHE,
    mirror,
    settings,
    shared_network_config,
    stopwatch,
    training_config,
)
from benchmarks.figures import by_group, pair
from benchmarks.latency import TRAIN, VALID, split
from benchmarks.tasks import Task, code_hash, run_tasks
from brpnas.atomic import atomic_path
from brpnas.datasets import (
    fbnet_devices,
    fetch_group,
    read_fbnet_architectures,
    read_fbnet_latency,
)
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import regression_metrics, spearman
from brpnas.predictors import MeasuredRows, fit_metric
from brpnas.predictors.transfer import DevicePrior, fit_device, fit_prior, suggest_rows
from brpnas.spaces import get_space
from brpnas.spaces.fbnet import BLOCKS

__all__ = ["adapt_once", "fit_once", "run"]

FloatArray = npt.NDArray[np.float64]

SEEDS = 1, 10
WHOLE = ("fbnet-essential_ph_1", "fbnet-samsung_s7")
"""Devices that were timed in whole milliseconds."""
ROWS = 10
"""Rows of a new device."""
WAYS = ("suggested", "random")
_CHUNK = 256
_FOLDS = 5
_NEIGHBOURS = 12
"""Neighbours in the published order on either side: the errors of one machine repeat."""
_PENALTY = 300.0
"""Penalty of the squared weights of pairs, the best of 30, 100, 300."""
ADAPTED = ("spearman", "within_10", "coverage")
METRICS = ("spearman", "within_10", "within_5", "kendall", "mape")
CODE = (
    "brpnas/graphs.py",
    "brpnas/spaces/base.py",
    "brpnas/spaces/fbnet/blocks.py",
    "brpnas/spaces/fbnet/encode.py",
    "brpnas/predictors/*.py",
    "brpnas/predictors/transfer",
    split,
)


@functools.cache
def _graphs() -> SpaceGraphs:
    """The measured architectures in the published order."""
    return get_space("fbnet").graphs(read_fbnet_architectures(_files()))


@functools.cache
def _files() -> dict[str, Any]:
    return fetch_group("fbnet", mirror=mirror(), cache=CACHE)


@functools.cache
def _latency(device: str) -> FloatArray:
    """Latencies in the published order, in ms."""
    table = read_fbnet_latency(_files(), device).set_index("arch_id")["latency_ms"]
    return table.loc[list(_graphs().arch_ids)].to_numpy(np.float64)


@functools.cache
def _counts() -> FloatArray:
    """Number of each block by the shape of its layer, ``[N, kinds]``."""
    ops = _graphs().view("pruned").ops
    kinds = np.unique(ops)
    return np.stack([(ops == kind).sum(axis=1) for kind in kinds], axis=1).astype(np.float64)


def _sum_of_blocks(rows: npt.NDArray[np.int64], logs: FloatArray) -> FloatArray:
    """Log latency of every architecture by a least-squares fit to some."""
    weights, *_ = np.linalg.lstsq(_counts()[rows], logs[rows], rcond=None)
    return np.asarray(_counts() @ weights)


def fit_once(task: Task) -> dict[str, dict[str, float]]:
    """Figures of both models on the test rows of a device and seed."""
    latency, values = _latency(task["device"]), task["settings"]
    train, valid, test = split(len(latency), task["seed"])
    with stopwatch() as seconds:
        predictor = fit_metric(
            _graphs(),
            MeasuredRows(train, latency[train]),
            MeasuredRows(valid, latency[valid]),
            training_config(values),
            view=values["view"],
            members=values["members"],
            bound=values["bound"],
            seed=task["seed"],
        )
    predicted = predictor.predict_batch(_graphs().view(predictor.view)[test])
    linear = np.exp(_sum_of_blocks(np.concatenate([train, valid]), np.log(latency)))[test]
    return {
        "gcn": regression_metrics(predicted, latency[test]) | {"fit_s": seconds[0]},
        "sum": regression_metrics(linear, latency[test]),
    }


@functools.cache
def _prior(device: str, quick: bool) -> DevicePrior:
    """Prior of all other devices; kept in a file from the first time on."""
    config = shared_network_config(**({"epochs": 2} if quick else {}))
    key = json.dumps([device, asdict(config), code_hash(CODE)])
    path = CACHE / f"fbnet-{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
    if not path.exists():
        names = list(_graphs().arch_ids)
        tables = {
            other: pd.DataFrame({"arch_id": names, "latency_ms": _latency(other)})
            for other in fbnet_devices()
            if other != device
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as unfinished:
            fit_prior(_graphs(), tables, config, keep_tables=False).save(unfinished)
    return DevicePrior.load(path)


@functools.cache
def _features(device: str, quick: bool) -> list[Tensor]:
    return _prior(device, quick).features.of(_graphs().views, _CHUNK)


def adapt_once(task: Task) -> dict[str, float]:
    """Figures of a device adapted from all others, on its other rows."""
    device, seed, quick = task["device"], task["seed"], task["quick"]
    latency, prior = _latency(device), _prior(device, quick)
    if task["how"] == "random":
        rows = np.random.default_rng(seed).permutation(len(latency))[:ROWS]
    else:
        rows = suggest_rows(_features(device, quick), ROWS, seed=seed)
    predictor = fit_device(
        _graphs(), MeasuredRows(rows, latency[rows]), prior, configuration(quick=quick), seed=seed
    )
    test = np.setdiff1d(np.arange(len(latency)), rows)
    predicted, lower, upper = predictor.intervals(_graphs())[test].T
    true = latency[test]
    inside = float(((true >= lower) & (true <= upper)).mean())
    return regression_metrics(predicted, true) | {"coverage": inside}


def _work(task: Task) -> dict[str, Any]:
    return adapt_once(task) if "how" in task else fit_once(task)


@functools.cache
def _pairs() -> FloatArray:
    """Blocks of each two neighbouring layers, one-hot, beside the counts of blocks."""
    codes = get_space("fbnet").codes(_graphs().arch_ids).astype(np.int64)
    pairs = codes[:, :-1] * len(BLOCKS) + codes[:, 1:]
    each = [np.eye(len(BLOCKS) ** 2)[column] for column in pairs.T]
    return np.concatenate([_counts() * _PENALTY**0.5, *each], axis=1)


def _left_out(features: FloatArray, values: FloatArray, penalty: float) -> FloatArray:
    """Ridge regression, each fold predicted by the others."""
    fold = np.random.default_rng(0).permutation(len(values)) % _FOLDS
    found = np.empty_like(values)
    for number in range(_FOLDS):
        learn, test = fold != number, fold == number
        mean, offset = features[learn].mean(axis=0), values[learn].mean()
        x = features[learn] - mean
        square = x.T @ x + penalty * np.eye(x.shape[1])
        weights = np.linalg.solve(square, x.T @ (values[learn] - offset))
        found[test] = (features[test] - mean) @ weights + offset
    return found


def _limits(device: str) -> dict[str, float]:
    """Drift of the machine, and the rank correlation of a fit to all rows."""
    logs = np.log(_latency(device))
    fitted = _sum_of_blocks(np.arange(len(logs)), logs)
    rest = logs - fitted
    left_out = _left_out(_counts(), logs, 1.0)
    errors = logs - left_out
    places = [k for k in range(-_NEIGHBOURS, _NEIGHBOURS + 1) if k]
    drift = _left_out(np.stack([np.roll(errors, k) for k in places], axis=1), errors, 1e-6)
    return {
        "drift": round(float(np.corrcoef(rest[:-1], rest[1:])[0, 1]), 3),
        "explained": round(1 - float(((errors - drift) ** 2).mean() / (errors**2).mean()), 3),
        "all_rows": round(spearman(fitted, logs), 4),
        "left_out": round(spearman(left_out, logs), 4),
        "pairs": round(spearman(_left_out(_pairs(), logs, _PENALTY), logs), 4),
        "steady": round(spearman(left_out, logs - drift), 4),
    }


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of each model by device, and the means over devices without rounding."""
    values = settings("train") | ({"epochs": 10} if quick else {})
    tasks = [
        {"device": device, "seed": seed, "settings": values}
        for seed in range(seeds)
        for device in fbnet_devices()
    ]
    tasks += [
        {"device": device, "seed": seed, "how": how, "quick": quick}
        for device in fbnet_devices()
        for seed in range(seeds)
        for how in WAYS
    ]
    done = run_tasks("fbnet", _work, tasks, {"rows": ROWS}, workers, code=CODE)
    rows = pd.DataFrame(
        [
            {"device": d.task["device"], "seed": d.task["seed"], "model": model, **figures}
            for d in done
            if "how" not in d.task
            for model, figures in d.result.items()
        ]
    )
    adapted = pd.DataFrame(
        [
            {**{name: d.task[name] for name in ("device", "seed", "how")}, **d.result}
            for d in done
            if "how" in d.task
        ]
    )
    limits = {device: _limits(device) for device in fbnet_devices()}
    return {
        "seeds": seeds,
        "protocol": {"train": TRAIN, "valid": VALID, "test": "all others"},
        "devices": {
            str(device): by_group(part, "model", [*METRICS, "fit_s"]) | limits[str(device)]
            for device, part in rows.groupby("device", sort=False)
        },
        "mean": _mean(rows, limits),
        "new_device": {
            "rows": ROWS,
            "devices": {
                str(device): by_group(part, "how", [*ADAPTED])
                for device, part in adapted.groupby("device", sort=False)
            },
            "mean": _means(adapted, "how", ADAPTED),
        },
    }


def _means(rows: pd.DataFrame, by: str, names: Sequence[str]) -> dict[str, Any]:
    """Figures over the devices without rounding."""
    exact = rows[~rows["device"].isin(WHOLE)]
    return {
        str(group): {name: pair(part.groupby("seed")[name].mean()) for name in names}
        for group, part in exact.groupby(by, sort=False)
    }


def _mean(rows: pd.DataFrame, limits: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """Figures over the devices without rounding: of each model, and of the limits."""
    exact = [found for device, found in limits.items() if device not in WHOLE]
    found = _means(rows, "model", ("spearman", "within_10"))
    return found | {
        name: round(float(np.mean([one[name] for one in exact])), 4)
        for name in exact[0]
        if name != "drift"
    }
