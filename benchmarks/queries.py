"""Result of a search of NAS-Bench-201 within a budget of queries, and its limits.

A query reveals the validation accuracy of one random training seed of a cell (200 epochs). The
chosen cell is scored by its test accuracy averaged over training seeds (``chosen``); ``seen`` is
the best such test accuracy among all queried cells. *brp* chooses the first cell of its ranker
trained on all answers (`search.sampler.choose_by`), the others the cell with the best mean answer;
``answers`` is the test accuracy of the latter choice, for each. No search sees test accuracy.
Isomorphic cells are queried once; another seed of a cell costs a query. No latency constraint. The
published curves plot the best *single-seed* test accuracy seen, which can exceed the optimum of the
means; it is reported as ``single`` if single seeds were published (not on CIFAR-10).

For one seed all samplers get the same oracle and the same random order of first cells, from which
those with a prior (`search.sampler.flops_prior`) take the largest. A figure after 60 queries is of
the first 60 of 100.

*brp* is the default (conf/base); *pairwise ranker alone* has no Gaussian process on paths, like the
paper; *no prior* starts at random; *unary* trains the same network to predict the accuracy; *random
training set* spends half of the budget at random, trains once, and queries the best-ranked.

Ceilings: ``optimum`` is the best mean test accuracy of all cells; ``one seed, all cells`` is the
choice by the validation accuracy of one seed of *every* cell, ``one seed, best 100`` by that of the
100 truly best cells, ``mean, all cells`` by the mean over the published seeds of every cell. A
ranker trained on similar cells can exceed them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import bench, valid_runs
from benchmarks.figures import one_seed, p_value, pair
from benchmarks.rankers import make_sampler_of, search_settings
from benchmarks.tasks import SEARCH_CODE, Task, run_tasks
from brpnas.search import HeldOutScores, run_search, trace

__all__ = ["DATASETS", "ceilings", "run"]

SEEDS = 2, 20
DATASETS = ("cifar10", "cifar100", "imagenet16-120")
MARKS = (20, 40, 60, 80, 100)
BUDGET = 100
FROM = 40
EVERYWHERE = ("brp", "evolution", "random", "brp, 10 reevaluations")
SHOWN_ON = "cifar100"
COLUMNS = {
    "chosen": "chosen_test", "seen": "best_test_seen", "single": "best_single_seed_test_seen"
}  # fmt: skip
KEYS = (*COLUMNS, "answers")
CODE = (*SEARCH_CODE, "benchmarks/rankers.py")


def variants(*, quick: bool = False) -> dict[str, Task]:
    """Samplers as tasks by label."""
    default = search_settings(rounds=4) if quick else search_settings()
    found: dict[str, Task] = {
        "brp": {"sampler": "brp", "config": default},
        "evolution": {"sampler": "evolution"},
        "random": {"sampler": "random"},
    }
    if quick:
        return found
    alone = {"ranker": {**default["ranker"], "paths": False}}
    return found | {
        "brp, 10 reevaluations": {"sampler": "brp", "config": search_settings(reevaluations=10)},
        "brp, pairwise ranker alone": {"sampler": "brp", "config": search_settings(**alone)},
        "brp, 5 rounds": {"sampler": "brp", "config": search_settings(rounds=5)},
        "brp, no prior": {"sampler": "brp", "config": search_settings(flops_prior=0)},
        "unary": {"sampler": "brp", "config": default, "ranker": "unary"},
        "brp, random training set": {
            "sampler": "brp",
            "config": search_settings(rounds=2, exploit_fraction=1.0, flops_prior=0),
        },
    }


def search_once(task: Task) -> dict[str, Any]:
    """One search: accuracies after each query, and how many queries were second seeds."""
    view = search_settings()["ranker"]["view"]
    pool = bench().pool(task.get("config", {}).get("ranker", {}).get("view", view), task["seed"])
    oracle = bench().oracle(task["dataset"]).reseeded(task["seed"])
    history = run_search(
        pool, make_sampler_of(task), oracle, task["budget"], progress=False
    ).history
    table = trace(history, bench().scores(task["dataset"]))
    by_answers = trace(history.drop(columns="leader"), bench().scores(task["dataset"]))
    curves = {name: table[column] for name, column in COLUMNS.items()}
    curves["answers"] = by_answers["chosen_test"]
    found: dict[str, Any] = {
        name: [None if math.isnan(value) else round(float(value), 6) for value in curve]
        for name, curve in curves.items()
    }
    return found | {"repeated": int(history["arch_id"].duplicated().sum())}


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by data set."""
    names, budget = (DATASETS[:1], 40) if quick else (DATASETS, BUDGET)
    tasks = [
        {"dataset": dataset, "label": label, "budget": budget, "seed": seed, **task}
        for dataset in names
        for label, task in variants(quick=quick).items()
        if label in EVERYWHERE or dataset == SHOWN_ON
        for seed in range(seeds)
    ]
    done = run_tasks("queries", search_once, tasks, {}, workers, code=CODE)
    rows = pd.DataFrame([{**d.task, **d.result, "seconds": d.seconds} for d in done])
    figures: dict[str, Any] = {}
    for dataset in names:
        limits = ceilings(bench().accuracy, dataset)
        own = rows[rows["dataset"] == dataset]
        figures[dataset] = {"ceilings": limits, "samplers": _samplers(own), "p": _p_values(own),
                            "lead": _lead(own)}  # fmt: skip
    return {"seeds": seeds, "budget": budget, "settings": search_settings(),
            "datasets": figures}  # fmt: skip


def ceilings(
    accuracy: pd.DataFrame, dataset: str, *, draws: int = 100, best: int = 100
) -> dict[str, list[float]]:
    """Ceilings of a choice by validation accuracy: mean and spread in percent, see above."""
    wide = valid_runs(accuracy, dataset)
    test = (
        pd.Series(HeldOutScores.from_table(accuracy, dataset).mean).reindex(wide.index).to_numpy()
    )
    top = np.argsort(-test)[:best]
    every, among = [], []
    for drawn in one_seed(wide, draws):
        every.append(test[drawn.argmax()])
        among.append(test[top[drawn[top].argmax()]])
    by_mean = float(test[np.nanmean(wide.to_numpy(), axis=1).argmax()])
    found = {
        "optimum": [float(test.max()), 0.0],
        "one seed, all cells": [np.mean(every), np.std(every)],
        f"one seed, best {best}": [np.mean(among), np.std(among)],
        "mean, all cells": [by_mean, 0.0],
    }
    return {name: [round(100 * float(v), 3) for v in pair] for name, pair in found.items()}


def _curves(rows: pd.DataFrame, column: str) -> np.ndarray:
    """Shape ``[seeds, queries]``, in the order of the seeds; NaN for unknown values."""
    if column not in rows:
        return np.full((len(rows), 1), np.nan).repeat(rows["budget"].max(), axis=1)
    known = [x if isinstance(x, list) else [None] for x in rows.sort_values("seed")[column]]
    longest = rows["budget"].max()
    return np.array([x * longest if len(x) == 1 else x for x in known], np.float64)


def _pair(values: np.ndarray) -> list[float] | None:
    """`pair` in percent; None without values."""
    return None if np.isnan(values).any() else pair(values, 3, 100)


def _samplers(rows: pd.DataFrame) -> dict[str, Any]:
    found: dict[str, Any] = {}
    marks = [mark for mark in MARKS if mark <= rows["budget"].max()]
    for label, part in rows.groupby("label", sort=False):
        found[str(label)] = {
            str(mark): {key: _pair(_curves(part, key)[:, mark - 1]) for key in KEYS}
            for mark in marks
        } | {"seconds": round(float(part["seconds"].median()), 2),
             "repeated": round(float(part["repeated"].mean()), 1)}  # fmt: skip
    return found


def _p_values(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Paired Wilcoxon test that brp chooses a more accurate cell, one-sided, at each mark."""
    curves = {str(k): _curves(part, "chosen") for k, part in rows.groupby("label", sort=False)}
    own = curves.pop("brp")
    return {
        label: {
            str(mark): p_value(own[:, mark - 1] - other[:, mark - 1])
            for mark in MARKS
            if mark <= own.shape[1]
        }
        for label, other in curves.items()
    }


def _lead(rows: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Smallest difference of the mean curves at any budget from `FROM` on, in points."""
    found: dict[str, dict[str, float]] = {}
    for other in ("evolution", "random"):
        found[other] = {}
        for key in ("chosen", "seen"):
            a, b = (
                _curves(rows[rows["label"] == name], key).mean(axis=0) for name in ("brp", other)
            )
            found[other][key] = round(100 * float((a - b)[FROM - 1 :].min()), 3)
    return found
