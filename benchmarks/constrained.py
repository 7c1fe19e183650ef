"""Search of NAS-Bench-201 under a limit of latency, on each of the 12 devices of LatBench.

For each device and seed a latency predictor is fitted to 900 random measured cells, 100 more
validate (settings of conf/base, as `python -m benchmarks latency`), and a BRP search of 100 queries
follows. Limits are the 25, 50 and 75 % quantile of the device's latencies.

*Measured* (``search.limits.source: table``, which stands for the device): uncertain proposals are
measured first, 100 at most in a search, and cells over the limit are left out for the next best.
The chosen cell is measured too. 15 of the 100 queries are second seeds of the leaders, because one
answer is noisy. *Measurements* come on top of the 1,000 rows of the predictor.

*Predicted*: only cells clearly within the limit are asked (by measurement, of those 1,000): the
probability that the true latency is within it is at least the confidence, by the errors on the
validation rows and the deviation of the prediction (`brpnas.search.Limits`). *Two devices*: the
same with a limit on a second device too, the next in the list, at the same quantile; within means
within both. *Verified*: the leaders of the same search are measured, best first, until one is
within the limit. Cells without a latency in the file take no part.

*Within*: share of searches whose chosen cell is within the limit by its true latency. *Regret*: the
best mean test accuracy among all cells that are truly within the limit, minus that of the chosen
cell, in points; negative where the chosen cell is over the limit and better for it. The chosen is
the one that the ranker puts first (``search.sampler.choose_by: ranker``); *by answers* is the
regret of the one that has the best answer in the same search, *unseen* that of the best that was
asked.

*Implausible*: cells whose latency in the file is less than half of what the predictors of all seeds
say (their median). Hundreds of cells of the Snapdragon 450 and 675 are so, the same on processors
as different as CPU and GPU of one chip and none of them on any other chip, so that most likely
another network was measured. As they seem to be the fastest of their kind they are the best within
a tight limit, where no prediction can find them. They count as any other cell.

What limits the regret: *latency* is the regret of the truly best cell among those that were open to
the search, which is not the best of all because latencies are predicted and the measured ones
scatter; *noise* is the regret of who knew every latency and chose by the validation accuracy of one
seed. *Out of reach* is the former without any search, over all devices, limits and seeds, for
several confidences; beside it what is left of it where implausible cells are not
counted among the best, and how many of the ten best that a search may ask are truly over the limit.

The two desktop files are almost the same measurement; the GPU of the two takes no part. Searches
run seed by seed over all cases: an interrupted run has whole seeds.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.data import bench, settings
from benchmarks.figures import one_seed, pair
from benchmarks.latency import fit_once, split
from benchmarks.rankers import make_sampler_of, search_settings
from benchmarks.tasks import SEARCH_CODE, Task, run_tasks
from brpnas.datasets import latbench_devices
from brpnas.search import (
    Limits,
    ListedPool,
    MetricFilter,
    TableMetrics,
    leaderboard,
    run_search,
)
from brpnas.search.limits import LATENCY
from brpnas.spaces import get_space

__all__ = ["run"]

SEEDS = 1, 10
MEASURED, PREDICTED, TWO = "measured", "predicted", "predicted on two devices"
CASES = (
    ("cifar10", MEASURED, 0.95),
    ("cifar10", PREDICTED, 0.95),
    ("cifar100", MEASURED, 0.95),
    ("cifar10", TWO, 0.95),
)
"""Data set, what a limit is compared with, and ``search.limits.confidence``."""
MEASUREMENTS = 100
"""``search.limits.measurements``."""
BUDGET = 100
SECOND_SEEDS = {MEASURED: 0.15}
"""Share of the queries for second seeds of the leaders (``search.budget.reevaluations``)."""
LIMITS = {"tight": 0.25, "middle": 0.5, "loose": 0.75}
CONFIDENCES = (0.0, 0.5, 0.8, 0.9, 0.95)
"""Confidences in *out of reach*."""
IMPLAUSIBLE = 0.5
"""Measured over predicted latency below which something else must have been measured."""
TWIN = "desktop-gpu-gtx-1080ti-fp32"
CODE = (*SEARCH_CODE, "benchmarks/rankers.py")
FIT_CODE = (
    "brpnas/graphs.py",
    "brpnas/spaces/base.py",
    "brpnas/spaces/nasbench201",
    "brpnas/predictors/*.py",
    fit_once,
)

FloatArray = npt.NDArray[np.float64]


@functools.cache
def _latency(device: str) -> FloatArray:
    """Measured latency of every cell in ms, NaN where there is none."""
    table = bench().latency(device).set_index("arch_id")["latency_ms"]
    return table.reindex(list(bench().graphs.arch_ids)).to_numpy(np.float64)


@functools.cache
def _isomorphism_ids() -> tuple[str, ...]:
    return tuple(get_space("nasbench201").isomorphism_ids(bench().graphs.arch_ids))


def fit(task: Task) -> dict[str, Any]:
    """Prediction and deviation of every cell, and the rows of training and validation."""
    table = bench().latency(task["device"])
    rows = np.asarray(bench().graphs.rows(table["arch_id"].tolist()))
    values = settings("train") | task["changes"]
    train, valid, _ = parts = split(len(table), task["seed"])
    predictor = fit_once(table, parts, task["seed"], values, None)
    predicted, deviations = predictor.predict(bench().graphs), predictor.deviations(bench().graphs)
    return {
        "predicted": [float(f"{value:.6g}") for value in predicted],
        "deviations": [float(f"{value:.4g}") for value in deviations],
        "train": rows[train].tolist(),
        "valid": rows[valid].tolist(),
    }


def predictions_of(device: str, fitted: dict[str, Any]) -> pd.DataFrame:
    """Predictions of a device, as the stage `train` writes them.

    Args:
        device: Name of the device.
        fitted: Result of `fit`.
    """
    true = _latency(device)
    split = np.full(len(true), "test", object)
    split[fitted["train"]], split[fitted["valid"]] = "train", "valid"
    return pd.DataFrame(
        {
            "metric": LATENCY,
            "device": device,
            "arch_id": _cells(len(true)),
            "split": split,
            "measured": true,
            "predicted": fitted["predicted"],
            "log_deviation": fitted["deviations"],
        }
    )


def limits_within(
    fitted: Mapping[str, dict[str, Any]], quantile: float, limit_by: str, confidence: float
) -> Limits:
    """The limits of a search, as the stage `search` builds them.

    Args:
        fitted: Results of `fit` by device; the first is the device of the task.
        quantile: Quantile of the latencies of each device that is its limit.
        limit_by: What a limit is compared with, see `CASES`.
        confidence: Probability of an architecture clearly within the limits.
    """
    bounds = {device: float(np.nanquantile(_latency(device), quantile)) for device in fitted}
    return Limits.from_predictions(
        [f"latency_ms@{device} <= {bound:.17g}" for device, bound in bounds.items()],
        pd.concat([predictions_of(device, found) for device, found in fitted.items()]),
        device=next(iter(fitted)),
        source="table" if limit_by == MEASURED else "predicted",
        confidence=confidence,
        measurements=MEASUREMENTS,
    )


def _metrics(
    fitted: Mapping[str, dict[str, Any]], figure: str
) -> dict[str, npt.NDArray[np.float64]]:
    """A figure of `fit` of every cell, by metric."""
    first = next(iter(fitted))
    return {
        LATENCY if device == first else f"{LATENCY}@{device}": np.array(found[figure])
        for device, found in fitted.items()
    }


def implausible(device: str, fits: dict[str, dict[str, Any]]) -> npt.NDArray[np.bool_]:
    """Cells whose measured latency contradicts all that is known of the device."""
    predicted = [fit["predicted"] for key, fit in fits.items() if key.split()[0] == device]
    return _latency(device) < IMPLAUSIBLE * np.median(predicted, axis=0)


def out_of_reach(
    fits: dict[str, dict[str, Any]], doubtful: pd.DataFrame, dataset: str
) -> list[dict[str, float]]:
    """Per confidence: regret in points of the best that prediction lets a search ask, see above.

    Args:
        fits: What `fit` found, by device and seed.
        doubtful: The `implausible` cells, a column per device.
        dataset: Data set whose test accuracy counts.
    """
    fitted = {key: key.split()[0] for key in fits}
    test, found = bench().test(dataset), []
    for confidence in CONFIDENCES:
        rows = []
        for key, device in fitted.items():
            true = _latency(device)
            own = {device: fits[key]}
            for quantile in LIMITS.values():
                within = true <= np.nanquantile(true, quantile)
                limits = limits_within(own, quantile, PREDICTED, confidence)
                feasible = limits.within(
                    _cells(len(true)), _metrics(own, "predicted"), _metrics(own, "deviations")
                )
                is_open = np.flatnonzero(feasible & ~np.isnan(true))
                best = is_open[np.argsort(-test[is_open], kind="stable")]
                reached = test[best[within[best]]].max()
                rows.append(
                    (
                        100 * (test[within].max() - reached),
                        100 * (test[within & ~doubtful[device].to_numpy()].max() - reached),
                        1 - within[best[:10]].mean(),
                    )
                )
        points, plausible, over = np.mean(rows, axis=0).round(4).tolist()
        found.append(
            {"confidence": confidence, "points": points, "plausible": plausible, "over": over}
        )
    return found


def _cells(count: int) -> tuple[str, ...]:
    """The first cells of the space."""
    return bench().graphs.arch_ids[:count]


def _distinct() -> list[str]:
    """The devices, without the twin."""
    return [device for device in latbench_devices() if device != TWIN]


def _devices(task: Task) -> list[str]:
    """The devices of a search: its own, and the next distinct one with two limits."""
    if task["limit_by"] != TWO:
        return [task["device"]]
    distinct = _distinct()
    following = distinct[(distinct.index(task["device"]) + 1) % len(distinct)]
    return [task["device"], following]


def search_within(fits: dict[str, dict[str, Any]], task: Task) -> dict[str, Any]:
    """One search among the cells that are within a limit, or two."""
    seed = task["seed"]
    fitted = {device: fits[f"{device} {seed}"] for device in _devices(task)}
    true = {device: _latency(device) for device in fitted}
    quantile = LIMITS[task["limit"]]
    limits = limits_within(fitted, quantile, task["limit_by"], task["confidence"])
    over = np.max([t / np.nanquantile(t, quantile) - 1 for t in true.values()], axis=0)
    tables = bench()
    pool = ListedPool.create(
        get_space("nasbench201"),
        tables.graphs,
        seed=seed,
        view=task["config"]["ranker"]["view"],
        limits=limits,
        answerable=~np.isnan(over),
        predicted=_metrics(fitted, "predicted"),
        deviations=_metrics(fitted, "deviations"),
        isomorphism_ids=_isomorphism_ids(),
    )
    source = TableMetrics(limits.looked_up)
    metric_filter = MetricFilter(source, "latbench") if limits.measures else None
    sampler = make_sampler_of({"sampler": "brp", "config": task["config"]})
    oracle = bench().oracle(task["dataset"]).reseeded(seed)
    # Two tight limits leave fewer functions than the budget has queries.
    budget = min(task["budget"], pool.capacity)
    result = run_search(pool, sampler, oracle, budget, metric_filter=metric_filter, progress=False)
    by_answers = leaderboard(result.history.assign(estimate=np.nan))["arch_id"]
    leaders = pool.rows(leaderboard(result.history)["arch_id"].tolist())
    within, test = over <= 0, bench().test(task["dataset"])
    optimum, row = test[within].max(), int(leaders[0])
    fitting = np.flatnonzero(within[leaders])
    verified = leaders[fitting[0]] if len(fitting) else None
    reachable = within & pool.feasible
    return {
        "within": bool(within[row]),
        "over": float(over[row]),
        "regret": float(optimum - test[row]),
        "by_answers": float(optimum - test[pool.rows(by_answers[:1].tolist())[0]]),
        "unseen": float(optimum - test[leaders].max()),
        "verified": None if verified is None else float(optimum - test[verified]),
        "measured": int(fitting[0]) + 1 if len(fitting) else len(leaders),
        "latency": float(optimum - test[reachable].max()),
        "queried_within": float(within[leaders].mean()),
        "queries": len(result.records),
        "measurements": len(result.measurements),
        "refused": int((~result.measurements["within"]).sum()),
    }


def searches(
    cases: Iterable[tuple[str, str, float]],
    devices: Sequence[str],
    limits: Sequence[str],
    seeds: int,
    budget: int,
    config: Mapping[str, Any],
) -> list[Task]:
    """The tasks of `search_within`, seed by seed.

    Args:
        cases: As in `CASES`.
        devices: Devices of a case.
        limits: Names in `LIMITS`.
        seeds: Number of seeds.
        budget: Queries of a search.
        config: Settings of the sampler, see `search_settings`.
    """
    again = {name: round(share * budget) for name, share in SECOND_SEEDS.items()}
    return [
        {"device": device, "seed": seed, "limit": limit, "limit_by": limit_by,
         "confidence": confidence, "dataset": dataset, "budget": budget,
         "config": {**config, "reevaluations": again.get(limit_by, 0)}}
        for seed in range(seeds)
        for dataset, limit_by, confidence in cases
        for device in devices
        for limit in limits
    ]  # fmt: skip


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by case, and the limits of prediction."""
    devices, budget, limits = _distinct(), BUDGET, list(LIMITS)
    config = search_settings(**({"rounds": 3, "infeasible_share": 0.34} if quick else {}))
    if quick:
        devices, budget, limits = devices[2:3], 30, limits[:1]
    cases = [case for case in CASES if not quick or case[:2] == ("cifar10", MEASURED)]
    changes = {"epochs": 5} if quick else {}
    to_fit = [
        {"device": device, "seed": seed, "changes": changes}
        for seed in range(seeds)
        for device in devices
    ]
    train = settings("train")
    fits = {
        f"{d.task['device']} {d.task['seed']}": d.result
        for d in run_tasks(
            "constrained-latency", fit, to_fit, {"train": train}, workers, code=FIT_CODE
        )
    }
    tasks = searches(cases, devices, limits, seeds, budget, config)
    search = functools.partial(search_within, fits)
    values = {"train": train, "changes": changes}
    code = (*CODE, fit, fit_once, limits_within, predictions_of)
    done = run_tasks("constrained", search, tasks, values, workers, code=code)
    rows = pd.DataFrame([{**d.task, **d.result} for d in done])
    noise = {dataset: ceiling(devices, dataset) for dataset in rows["dataset"].unique()}
    masks = pd.DataFrame({device: implausible(device, fits) for device in devices})
    doubtful = {str(device): int(count) for device, count in masks.sum().items()}
    ruled_out = out_of_reach(fits, masks, "cifar10")
    on_many = int((masks.sum(axis=1) > 1).sum())
    return {
        "seeds": seeds,
        "budget": budget,
        "measurements": MEASUREMENTS,
        "second_seeds": {name: round(share * budget) for name, share in SECOND_SEEDS.items()},
        "implausible": doubtful,
        "implausible_cells": [int(masks.any(axis=1).sum()), on_many],
        "out_of_reach": ruled_out,
        "cases": _figures(rows, noise),
    }


def ceiling(devices: list[str], dataset: str) -> dict[str, dict[str, float]]:
    """Mean regret in points of the best by one seed's validation among the truly feasible cells."""
    wide = bench().valid_runs(dataset)
    drawn, test = np.array(list(one_seed(wide, 100))), bench().test(dataset)
    found: dict[str, dict[str, float]] = {}
    for device in devices:
        true = _latency(device)
        found[device] = {}
        for name, quantile in LIMITS.items():
            within = np.flatnonzero(true <= np.nanquantile(true, quantile))
            best = within[drawn[:, within].argmax(axis=1)]
            regret = test[within].max() - test[best].mean()
            found[device][name] = round(100 * float(regret), 3)
    return found


def _figures(rows: pd.DataFrame, noise: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    keys = ["dataset", "limit_by", "confidence"]
    for (dataset, latency, confidence), part in rows.groupby(keys, sort=False):
        by_device = {
            str(device): {str(n): _summary(p) for n, p in own.groupby("limit", sort=False)}
            for device, own in part.groupby("device", sort=False)
        }
        for device, by_limit in by_device.items():
            for name, values in by_limit.items():
                values["noise"] = noise[str(dataset)][device][name]
        kept = [v["noise"] for own in by_device.values() for v in own.values()]
        found.append(
            {
                "dataset": str(dataset),
                "limit_by": str(latency),
                "confidence": float(confidence),
                "all": {**_summary(part), "noise": round(float(np.mean(kept)), 3)},
                "devices": by_device,
            }
        )
    return found


def _summary(part: pd.DataFrame) -> dict[str, Any]:
    return {
        "searches": len(part),
        "within": round(float(part["within"].mean()), 4),
        "worst_over": round(float(part["over"].max()), 4),
        "queried_within": round(float(part["queried_within"].mean()), 4),
        "regret": _points(part, "regret"),
        "first_seed": _points(part[part["seed"] == part["seed"].min()], "regret")[0],
        "by_answers": _points(part, "by_answers"),
        "unseen": round(100 * float(part["unseen"].mean()), 3),
        "verified": _points(part.dropna(subset="verified"), "verified"),
        "measured": round(float(part["measured"].mean()), 2),
        "measurements": round(float(part["measurements"].mean()), 1),
        "most_measurements": int(part["measurements"].max()),
        "refused": round(float(part["refused"].mean()), 1),
        "latency": round(100 * float(part["latency"].mean()), 3),
    }


def _points(part: pd.DataFrame, column: str) -> list[float]:
    """Mean and standard deviation between seeds of the mean over devices and limits, in points."""
    return pair(part.groupby("seed")[column].mean(), 3, 100)
