"""Latency predictor on the FBNet tables of HELP: 5,000 mobile networks on seven devices.

The protocol is that of `benchmarks.latency`: for each seed 900 random architectures train, 100
validate, the other 4,000 test, with the settings of the stage `train`.
*sum* is a sum over the blocks, fitted by least squares to the logarithms of the same 1,000 rows.

The machines drifted while they measured. *drift* is the correlation of the residuals of *sum*, if
it is fitted to all 5,000 rows, between neighbours in the published order: the architectures are
random, so this part of the error is not theirs. *all rows* is the Spearman correlation of this fit
with the rows that it was fitted to, for comparison. Two phones were timed in whole milliseconds;
`mean` is over the other five devices.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.data import CACHE, mirror, settings, stopwatch, training_config
from benchmarks.figures import by_group, pair
from benchmarks.latency import TRAIN, VALID, split
from benchmarks.tasks import Task, run_tasks
from brpnas.datasets import (
    fbnet_devices,
    fetch_group,
    read_fbnet_architectures,
    read_fbnet_latency,
)
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import regression_metrics, spearman
from brpnas.predictors import MeasuredRows, fit_metric
from brpnas.spaces import get_space

__all__ = ["fit_once", "run"]

FloatArray = npt.NDArray[np.float64]

SEEDS = 1, 10
WHOLE = ("fbnet-essential_ph_1", "fbnet-samsung_s7")
"""Devices that were timed in whole milliseconds."""
METRICS = ("spearman", "within_10", "within_5", "kendall", "mape")
CODE = (
    "brpnas/graphs.py",
    "brpnas/spaces/base.py",
    "brpnas/spaces/fbnet/blocks.py",
    "brpnas/spaces/fbnet/encode.py",
    "brpnas/predictors/*.py",
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


def _limits(device: str) -> dict[str, float]:
    """Drift of the machine, and the rank correlation of a fit to all rows."""
    logs = np.log(_latency(device))
    fitted = _sum_of_blocks(np.arange(len(logs)), logs)
    rest = logs - fitted
    return {
        "drift": round(float(np.corrcoef(rest[:-1], rest[1:])[0, 1]), 3),
        "all_rows": round(spearman(fitted, logs), 4),
    }


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of each model by device, and the means over devices without rounding."""
    values = settings("train") | ({"epochs": 10} if quick else {})
    tasks = [
        {"device": device, "seed": seed, "settings": values}
        for seed in range(seeds)
        for device in fbnet_devices()
    ]
    done = run_tasks("fbnet", fit_once, tasks, {}, workers, code=CODE)
    rows = pd.DataFrame(
        [
            {"device": d.task["device"], "seed": d.task["seed"], "model": model, **figures}
            for d in done
            for model, figures in d.result.items()
        ]
    )
    return {
        "seeds": seeds,
        "protocol": {"train": TRAIN, "valid": VALID, "test": "all others"},
        "devices": {
            str(device): by_group(part, "model", [*METRICS, "fit_s"]) | _limits(str(device))
            for device, part in rows.groupby("device", sort=False)
        },
        "mean": _mean(rows),
    }


def _mean(rows: pd.DataFrame) -> dict[str, Any]:
    """Figures over the devices without rounding: of each model, and of the fit to all rows."""
    exact = rows[~rows["device"].isin(WHOLE)]
    found: dict[str, Any] = {
        str(model): {
            name: pair(part.groupby("seed")[name].mean()) for name in ("spearman", "within_10")
        }
        for model, part in exact.groupby("model", sort=False)
    }
    limits = [_limits(str(device))["all_rows"] for device in exact["device"].unique()]
    return found | {"all_rows": round(float(np.mean(limits)), 4)}
