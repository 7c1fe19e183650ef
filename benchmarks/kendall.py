"""Kendall's tau of rankers on new cells, by number of training cells.

Training cells are random, all others are test cells. NAS-Bench-101: validation accuracy of the one
public run of 108 epochs, for training and test; there is no test accuracy. NAS-Bench-201:
validation accuracy on CIFAR-10, the mean over the published training seeds, for training and test
(``brp``, ``pairwise``, ``process``); ``brp, test`` is the tau of the same ranking with the test
accuracy, from other trainings on twice the images. The mean validation accuracy of all cells
reaches ``valid, test``, less than a ranker of many cells, which averages out the noise of a single
cell's trainings.

*brp* is the ranker of the search (`brpnas.predictors.HybridRanker`), *pairwise* its pairwise ranker
alone, *process* its Gaussian process on paths alone; three networks of width 128. They use the view
``function``.

Limits. NAS-Bench-201: ``ceiling`` is the tau of the mean accuracy with a resampled one, with the
noise of means of the same number of seeds (estimated from the seeds of the 500 cells of most
similar accuracy); the mean already contains noise, so this is an estimate from above.
``isomorphic`` is the tau of the mean of the other isomorphic cells, over cells with at least four
of them: look-up instead of prediction. NAS-Bench-101 has one run of each cell; ``two runs`` is the
tau between two runs if the part unexplained by the ranker of the most cells is noise, an estimate
from below; ``ceiling`` is the tau of that ranker.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.data import bench
from benchmarks.figures import pair
from benchmarks.nasbench101_tables import sample_accuracy, sample_graphs
from benchmarks.tasks import Task, run_tasks
from brpnas.graphs import GraphBatch
from brpnas.metrics import kendall
from brpnas.predictors import HybridRanker, PairwiseRanker, TrainingConfig

__all__ = ["run"]

SEEDS = 2, 10
FloatArray = npt.NDArray[np.float64]
CELLS = {"nasbench101": (100, 172, 424), "nasbench201 cifar10": (78, 156, 469, 781, 1563)}
MOST = {"nasbench101": 5000, "nasbench201 cifar10": 5000}
RANKER = {
    "hidden": 128, "layers": 4, "epochs": 100, "batch_size": 32, "learning_rate": 1e-3,
    "weight_decay": 1e-2,
}  # fmt: skip
MEMBERS = 3
DATASET = "cifar10"
LEAST_ISOMORPHIC = 4
ALIKE = 500
"""Cells of most similar accuracy for estimating noise; half of them at the extremes."""
CODE = (
    "brpnas/graphs.py",
    "brpnas/metrics.py",
    "brpnas/predictors/*.py",
    "brpnas/predictors/transfer/kernel.py",
    "brpnas/spaces/nasbench101",
    "brpnas/spaces/nasbench201",
    "benchmarks/nasbench101_tables.py",
)


@functools.cache
def _nasbench201() -> tuple[GraphBatch, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Graphs; accuracy of validation, test, isomorphic cells (validation), and redrawn."""
    arch_ids = list(bench().graphs.arch_ids)
    runs = bench().valid_runs(DATASET)
    valid, test = runs.mean(axis=1).to_numpy(), bench().test(DATASET)
    table = bench().architectures.set_index("arch_id")["isomorphism_id"].reindex(arch_ids)
    groups = pd.Series(valid).groupby(table.to_numpy())
    count, total = groups.transform("count").to_numpy(), groups.transform("sum").to_numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        isomorphic = np.where(count > LEAST_ISOMORPHIC, (total - valid) / (count - 1), np.nan)
    return bench().graphs.view("function"), valid, test, isomorphic, _drawn_anew(runs.to_numpy())


def _tables(space: str) -> tuple[GraphBatch, FloatArray, FloatArray | None]:
    if space == "nasbench101":
        return sample_graphs().view("function"), sample_accuracy()["accuracy"].to_numpy(), None
    graphs, valid, test, _, _ = _nasbench201()
    return graphs, valid, test


def fit_once(task: Task) -> dict[str, float]:
    """Tau of each ranker on all cells but the training cells."""
    graphs, accuracy, test = _tables(task["space"])
    order = np.random.default_rng(task["seed"]).permutation(len(graphs))
    train, rest = order[: task["cells"]], order[task["cells"] :]
    pairwise = PairwiseRanker(TrainingConfig(**task["ranker"]), task["members"], "function")
    ranker = HybridRanker(pairwise)
    ranker.fit(graphs[train], accuracy[train], task["seed"])
    others = graphs[rest]
    scores = ranker.score(others)
    found = {
        "brp": kendall(scores, accuracy[rest]),
        "pairwise": kendall(pairwise.score(others), accuracy[rest]),
        "process": kendall(ranker.expected(others), accuracy[rest]),
    }
    if test is not None:
        found["brp, test"] = kendall(scores, test[rest])
    return {name: round(float(tau), 5) for name, tau in found.items()}


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by space and number of training cells."""
    settings = {"ranker": RANKER, "members": 1 if quick else MEMBERS}
    tasks = [
        {"space": space, "cells": cells, "seed": seed, **settings}
        for space, sizes in CELLS.items()
        for cells in (sizes[:1] if quick else sizes)
        for seed in range(seeds)
    ]
    if not quick:  # the longest last: they only serve the limits
        tasks += [
            {"space": space, "cells": cells, "seed": 0, **settings} for space, cells in MOST.items()
        ]
    done = run_tasks("kendall", fit_once, tasks, {}, workers, code=CODE)
    rows = pd.DataFrame([{**d.task, **d.result, "seconds": d.seconds} for d in done])
    tables: dict[str, dict[str, Any]] = {}
    for space in CELLS:
        own = rows[rows["space"] == space]
        limits = _limits(space, own)
        tables[space] = {}
        for cells, part in own.groupby("cells"):
            names = ("brp", "pairwise", "process", "brp, test")
            tables[space][str(cells)] = {
                **{name: pair(part[name]) for name in names if part[name].notna().any()},
                **limits,
                "seconds": round(float(part["seconds"].median()), 1),
            }
    return {
        "seeds": seeds,
        "protocol": "random training cells, all others tested; validation accuracy of one run "
        "(NAS-Bench-101), mean validation accuracy of the published seeds (NAS-Bench-201). "
        "*Isomorphic*: looking up the mean of other cells of the same function instead of "
        "predicting; *valid, test*: the mean validation accuracy as a ranking by test accuracy; "
        "*two runs*: one run as a ranking by another, estimated",
        "tables": tables,
    }


def _drawn_anew(runs: FloatArray) -> FloatArray:
    """Mean over the seeds (columns, NaN where unknown) with the noise of such a mean once more."""
    mean, count = np.nanmean(runs, axis=1), (~np.isnan(runs)).sum(axis=1)
    order = np.argsort(mean, kind="stable")
    variance = pd.Series(np.nanvar(runs[order], axis=1, ddof=1))
    around = variance.rolling(ALIKE, center=True, min_periods=1).mean().to_numpy()
    noise = np.empty(len(mean))
    noise[order] = np.sqrt(around)
    drawn = np.random.default_rng(0).normal(size=len(mean))
    return np.asarray(mean + noise / np.sqrt(count) * drawn, np.float64)


def _limits(space: str, rows: pd.DataFrame) -> dict[str, float]:
    if space == "nasbench101":
        best = float(rows["brp"].max())
        # tau = 2 / pi * asin(r) for normal pairs; r of two noisy runs is r of one with the truth
        # squared.
        one = np.sin(np.pi / 2 * best)
        return {"ceiling": round(best, 4), "two runs": round(2 / np.pi * np.arcsin(one**2), 4)}
    _, valid, test, isomorphic, anew = _nasbench201()
    known = ~np.isnan(isomorphic)
    return {
        "ceiling": round(float(kendall(valid, anew)), 4),
        "isomorphic": round(float(kendall(isomorphic[known], valid[known])), 4),
        "valid, test": round(float(kendall(valid, test)), 4),
    }
