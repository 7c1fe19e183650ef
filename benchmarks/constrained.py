"""Search of NAS-Bench-201 under a limit of latency, on each of the 13 devices of LatBench.

For each device and seed a latency predictor is fitted to 900 random measured cells, 100 more
validate (settings of conf/base, as `python -m benchmarks latency`), and a BRP search of 100 queries
follows. Limits are the 25, 50 and 75 % quantile of the device's latencies.

*Measured* (``search.limits.latency: table``, which stands for the device): what the search is about
to ask is measured first, and cells over the limit are left out for the next best. Prediction rules
out what is over the limit with a confidence of 99 %. The true latency is the file's, and so is the
measurement, so that all chosen are within the limit by construction; what it costs is the number of
*measurements*, beside the 1,000 that the predictor is fitted to.

*Predicted*: it may ask only cells that are within the limit by prediction (by measurement, of those
1,000). With a *ratio* the latency that is compared with the limit is an upper bound: the predicted
latency times the conformal ratio, the quantile of true over predicted on the validation rows, at
the confidence given. *Verified*: the leaders of the same search are measured, best first, until one
is within the limit. Cells that the file has no latency of take no part.

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
several confidences of the ratio; beside it what is left of it where implausible cells are not
counted among the best, and how many of the ten best that a search may ask are truly over the limit.

The two desktop files are almost the same measurement; means are over 12 devices, without the GPU of
the two. The first two cases are run with every seed, the others with some of them.
"""

from __future__ import annotations

import functools
import math
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
    MetricFilter,
    Limits,
    ListedPool,
    TableMetrics,
    leaderboard,
    run_search,
)
from brpnas.search.limits import LATENCY
from brpnas.spaces import get_space

__all__ = ["run"]

SEEDS = 1, 10
CASES = (
    ("cifar10", "measured", 0.99, 1.0),
    ("cifar10", "predicted", 0.9, 1.0),
    ("cifar100", "measured", 0.99, 0.1),
    ("cifar10", "predicted", 0.0, 0.1),
)
"""Data set, what a limit is held against, confidence of the ratio of a prediction,
and share of the seeds that are run."""
BUDGET = 100
LIMITS = {"tight": 0.25, "middle": 0.5, "loose": 0.75}
CONFIDENCES = (0.0, 0.5, 0.8, 0.9, 0.95)
"""Confidences of the ratios in *out of reach*."""
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


def fit(task: Task) -> dict[str, Any]:
    """Predicted latency of every cell, and which rows it was learnt from and validated on."""
    table = bench().latency(task["device"])
    rows = np.asarray(bench().graphs.rows(table["arch_id"].tolist()))
    values = settings("train") | task["changes"]
    train, valid, _ = parts = split(len(table), task["seed"])
    predictor = fit_once(table, parts, task["seed"], values, None)
    predicted = predictor.predict(bench().graphs)
    return {
        "predicted": [float(f"{value:.6g}") for value in predicted],
        "train": rows[train].tolist(),
        "valid": rows[valid].tolist(),
    }


def limits_within(
    device: str, fitted: dict[str, Any], quantile: float, limit_by: str, confidence: float
) -> Limits:
    """The limits that a search gets from the fitted predictor, as the stage `search` builds them.

    Args:
        device: Name of the device.
        fitted: Result of `fit`.
        quantile: Quantile of the device's latencies that is the limit.
        limit_by: ``measured`` or ``predicted``.
        confidence: Of the ratio that decides what is measured, or what is feasible.
    """
    true, measured = _latency(device), limit_by == "measured"
    split = np.full(len(true), "test", object)
    split[fitted["train"]], split[fitted["valid"]] = "train", "valid"
    predictions = pd.DataFrame(
        {
            "arch_id": _cells(len(true)),
            "split": split,
            "latency_ms": true,
            "predicted_latency_ms": fitted["predicted"],
            "log_deviation": np.nan,
        }
    )
    return Limits.from_predictions(
        [f"latency_ms <= {float(np.nanquantile(true, quantile)):.17g}"],
        predictions,
        latency="table" if measured else "predicted",
        confidence=0.0 if measured else confidence,
        prefilter_confidence=confidence,
    )


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
    fitted = {key: key.split()[0] for key in fits if key.split()[0] != TWIN}
    test, found = bench().test(dataset), []
    for confidence in CONFIDENCES:
        rows = []
        for key, device in fitted.items():
            true = _latency(device)
            predicted = {LATENCY: np.array(fits[key]["predicted"])}
            for quantile in LIMITS.values():
                within = true <= np.nanquantile(true, quantile)
                limits = limits_within(device, fits[key], quantile, "predicted", confidence)
                feasible = limits.feasible(_cells(len(true)), predicted)
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


def search_within(fits: dict[str, dict[str, Any]], task: Task) -> dict[str, Any]:
    """One search among the cells that are within a limit."""
    device, seed = task["device"], task["seed"]
    true, fitted = _latency(device), fits[f"{device} {seed}"]
    quantile = LIMITS[task["limit"]]
    limit = float(np.nanquantile(true, quantile))
    limits = limits_within(device, fitted, quantile, task["limit_by"], task["confidence"])
    tables = bench()
    pool = ListedPool.create(
        get_space("nasbench201"),
        tables.graphs,
        seed=seed,
        view=task["config"]["ranker"]["view"],
        limits=limits,
        answerable=~np.isnan(true),
        predicted={LATENCY: np.array(fitted["predicted"])},
    )
    source = TableMetrics(limits.table_ms)
    metric_filter = MetricFilter(source, "latbench") if limits.measures else None
    sampler = make_sampler_of({"sampler": "brp", "config": task["config"]})
    oracle = bench().oracle(task["dataset"]).reseeded(seed)
    result = run_search(
        pool, sampler, oracle, task["budget"], metric_filter=metric_filter, progress=False
    )
    by_answers = leaderboard(result.history.assign(estimate=np.nan))["arch_id"]
    leaders = pool.rows(leaderboard(result.history)["arch_id"].tolist())
    within, test = true <= limit, bench().test(task["dataset"])
    optimum, row = test[within].max(), int(leaders[0])
    fitting = np.flatnonzero(within[leaders])
    verified = leaders[fitting[0]] if len(fitting) else None
    reachable = within & pool.feasible
    return {
        "within": bool(within[row]),
        "over": float(true[row] / limit - 1),
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


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by case, and the limits of prediction."""
    devices, budget, limits = latbench_devices(), BUDGET, list(LIMITS)
    config = search_settings(**({"rounds": 3, "infeasible_share": 0.34} if quick else {}))
    if quick:
        devices, budget, limits = devices[3:4], 30, limits[:1]
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
    tasks = [
        {"device": device, "seed": seed, "limit": limit, "limit_by": latency,
         "confidence": confidence, "dataset": dataset, "budget": budget, "config": config}
        for dataset, latency, confidence, share in (CASES[:1] if quick else CASES)
        for seed in range(math.ceil(share * seeds))
        for device in devices
        for limit in limits
    ]  # fmt: skip
    search = functools.partial(search_within, fits)
    values = {"train": train, "changes": changes}
    code = (*CODE, fit, fit_once, limits_within)
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
        "twins": "desktop CPU and desktop GPU are nearly one measurement; the GPU is left out",
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
        distinct = part[part["device"] != TWIN]
        by_device = {
            str(device): {str(n): _summary(p) for n, p in own.groupby("limit", sort=False)}
            for device, own in part.groupby("device", sort=False)
        }
        for device, by_limit in by_device.items():
            for name, values in by_limit.items():
                values["noise"] = noise[str(dataset)][device][name]
        kept = [v["noise"] for d, own in by_device.items() for v in own.values() if d != TWIN]
        found.append(
            {
                "dataset": str(dataset),
                "limit_by": str(latency),
                "confidence": float(confidence),
                "all": {**_summary(distinct), "noise": round(float(np.mean(kept)), 3)},
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
