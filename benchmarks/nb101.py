"""Rank of a search's cell among the 20,001 public cells of NAS-Bench-101.

A query reveals the validation accuracy of the one public run of 108 epochs. The answer is the
queried cell with the best validation accuracy; its rank is its place among all 20,001 by the same
accuracy, 1 for the best. With one run per cell and no test accuracy no other score is possible, and
luck of the best single run remains invisible. 140 queries; settings of conf/nasbench101.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.nasbench101_tables import sample_accuracy, sample_graphs
from benchmarks.rankers import make_sampler_of, search_settings
from benchmarks.tasks import SEARCH_CODE, Task, run_tasks
from brpnas.search import ListedPool, TableOracle, run_search
from brpnas.spaces import get_space

__all__ = ["run"]

SEEDS = 2, 10
QUERIES = 140
MARKS = (40, 80, 100, 140)
DATASET = "cifar10"
CODE = (
    *SEARCH_CODE,
    "brpnas/spaces/nasbench101",
    "benchmarks/nasbench101_tables.py",
    "benchmarks/rankers.py",
    "pipelines/search/samplers.py",
)


@functools.cache
def _pool() -> ListedPool:
    graphs = sample_graphs()
    return ListedPool.create(
        get_space(graphs.space), graphs, seed=0, view="function", isomorphism_ids=graphs.arch_ids
    )


@functools.cache
def _ranks() -> dict[str, int]:
    table = sample_accuracy()
    ranks = table["accuracy"].rank(ascending=False, method="min").astype(int)
    return dict(zip(table["arch_id"], ranks.tolist(), strict=True))


def search_once(task: Task) -> list[int]:
    """Rank of the best answered cell after each query."""
    oracle = TableOracle(sample_accuracy(), DATASET, task["seed"])
    pool = replace(_pool(), seed=task["seed"])
    result = run_search(pool, make_sampler_of(task), oracle, task["queries"], progress=False)
    ranks = [_ranks()[arch_id] for arch_id in result.history["arch_id"]]
    return [int(best) for best in np.minimum.accumulate(ranks)]


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Ranks of the cell found."""
    queries = 40 if quick else QUERIES
    changes = {"rounds": 4} if quick else {}
    samplers: dict[str, Task] = {
        "brp": {"sampler": "brp", "config": search_settings("nasbench101", **changes)},
        "evolution": {"sampler": "evolution"},
        "random": {"sampler": "random"},
    }
    tasks = [
        {"label": label, "queries": queries, "seed": seed, **task}
        for label, task in samplers.items()
        for seed in range(seeds)
    ]
    done = run_tasks("nb101", search_once, tasks, {}, workers, code=CODE)
    curves = {
        label: np.array([d.result for d in done if d.task["label"] == label]) for label in samplers
    }
    return {
        "seeds": seeds,
        "queries": queries,
        "protocol": "validation accuracy of one run of 108 epochs, scored by the same accuracy; "
        "there is no test accuracy",
        "ranks": {label: curve[:, -1].tolist() for label, curve in curves.items()},
        "median_rank": {
            label: {str(m): float(np.median(curve[:, m - 1])) for m in MARKS if m <= queries}
            for label, curve in curves.items()
        },
        "settings": search_settings("nasbench101"),
    }
