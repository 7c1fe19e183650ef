"""Search of DARTS on the surrogate of NAS-Bench-301 with 60 queries.

A query reveals the validation accuracy on CIFAR-10 predicted by the surrogate (98 epochs, no
noise). The score of a search is its best answer, because no test accuracy exists. *brp* is the
default (conf/darts) without a latency limit: each round ranks a new random sample of the space and
mutations of the best so far. *brp, no prior* starts at random (`search.sampler.flops_prior`); *brp,
sample alone* has no mutations; *brp, as published* has 3 rounds of 20, half of each at random from
the top, and ranks only a larger sample; *unary* trains the same network to predict the accuracy.
For one seed all samplers get the same random order of first architectures, from which those with a
prior take the largest, so that differences are paired: p is from the one-sided Wilcoxon signed-rank
test over the seeds.

The published surrogate is not symmetric: it depends on the numbering of nodes, which is noise for a
predictor on graphs. *symmetric* averages over all numberings; Kendall's tau between both, over
2,000 random architectures, is the ceiling of a predictor on graphs. *10,000 random* is the best of
10,000 random architectures, for comparison.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import bench, settings
from benchmarks.figures import p_value, pair
from benchmarks.rankers import make_sampler_of, search_settings
from benchmarks.tasks import SEARCH_CODE, Task, run_tasks
from brpnas.datasets.nasbench301 import Surrogate
from brpnas.metrics import kendall
from brpnas.search import run_search
from brpnas.search.oracles.surrogate import SurrogateOracle
from brpnas.search.pools.sampled import SampledPool
from brpnas.spaces import get_space

__all__ = ["run"]

SEEDS = 2, 20
MARKS = (10, 20, 30, 40, 50, 60)
FROM = 21
MANY = 10_000
COMPARED = 2_000
"""Random architectures for comparing the two surrogates."""
CODE = (*SEARCH_CODE, "brpnas/spaces/darts", "brpnas/datasets/nasbench301.py",
        "benchmarks/rankers.py")  # fmt: skip


def variants(*, quick: bool) -> dict[str, Task]:
    """Samplers as tasks by label."""
    changes = {"candidates": 500} if quick else {}
    default = search_settings("darts", **changes)
    found: dict[str, Task] = {
        "brp": {"sampler": "brp", "config": default},
        "evolution": {"sampler": "evolution"},
        "random": {"sampler": "random"},
    }
    if not quick:
        published = {"rounds": 3, "exploit_fraction": 0.5, "candidates": 10_000, "neighbours": 0,
                     "flops_prior": 0}  # fmt: skip
        found["brp, as published"] = {"sampler": "brp", "config": default | published}
        found["brp, no prior"] = {"sampler": "brp", "config": default | {"flops_prior": 0}}
        found["brp, sample alone"] = {"sampler": "brp", "config": default | {"neighbours": 0}}
        found["unary"] = {"sampler": "brp", "config": default, "ranker": "unary"}
    return found


@functools.cache
def _surrogate(symmetric: bool) -> Surrogate:
    return Surrogate.from_files(bench().surrogate_files, symmetric=symmetric)


def search_once(task: Task) -> list[float]:
    """Best accuracy after each query."""
    config = task.get("config") or search_settings("darts")
    pool = SampledPool.create(
        get_space("darts"),
        seed=task["seed"],
        candidates=config["candidates"],
        view=config["ranker"]["view"],
    )
    oracle = SurrogateOracle(_surrogate(task["symmetric"]))
    result = run_search(pool, make_sampler_of(task), oracle, task["budget"], progress=False)
    best = np.maximum.accumulate(result.history["accuracy"].to_numpy(np.float64))
    return [round(float(value), 6) for value in best]


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by surrogate."""
    budget = settings("search", "darts")["budget"]["queries"]
    tasks = [
        {"symmetric": symmetric, "label": label, "budget": budget, "seed": seed, **task}
        for symmetric in ((False,) if quick else (False, True))
        for label, task in variants(quick=quick).items()
        for seed in range(seeds)
    ]
    done = run_tasks("darts", search_once, tasks, {}, workers, code=CODE)
    rows = pd.DataFrame([{**d.task, "best": d.result, "seconds": d.seconds} for d in done])
    figures = {}
    for symmetric, part in rows.groupby("symmetric", sort=False):
        name = "symmetric" if symmetric else "published"
        figures[name] = _figures(part)
        figures[name]["random_10000"] = _random(bool(symmetric), 1_000 if quick else MANY)
        figures[name]["ceiling"] = 1.0 if symmetric else _ceiling(100 if quick else COMPARED)
    return {"seeds": seeds, "budget": budget, "settings": search_settings("darts"),
            "surrogates": figures}  # fmt: skip


def _random(symmetric: bool, count: int) -> float:
    names = get_space("darts").sample(np.random.default_rng(0), count)
    return round(100 * float(_surrogate(symmetric).predict(names).max()), 3)


def _ceiling(count: int) -> float:
    """Tau of the answers averaged over numberings with the published ones."""
    names = get_space("darts").sample(np.random.default_rng(1), count)
    symmetric, published = (_surrogate(kind).predict(names) for kind in (True, False))
    return round(float(kendall(symmetric, published)), 3)


def _figures(rows: pd.DataFrame) -> dict[str, Any]:
    curves = {
        str(label): 100 * np.array(part.sort_values("seed")["best"].tolist())
        for label, part in rows.groupby("label", sort=False)
    }
    budget = next(iter(curves.values())).shape[1]
    marks = [mark for mark in MARKS if mark <= budget]
    samplers = {
        label: {
            **{str(mark): pair(c[:, mark - 1], 3) for mark in marks},
            "seconds": round(float(rows[rows["label"] == label]["seconds"].median()), 2),
        }
        for label, c in curves.items()
    }
    others = ("random", "evolution", "unary", "brp, no prior")
    baselines = [name for name in others if name in curves]
    against = {
        label: {
            other: _against(curves[label], curves[other], marks)
            for other in baselines
            if other != label
        }
        for label in curves
        if label.startswith("brp")
    }
    return {"samplers": samplers, "against": against}


def _against(own: np.ndarray, other: np.ndarray, marks: list[int]) -> dict[str, Any]:
    """Lead in points and p at the marks, and the worst of both from `FROM` queries on."""
    lead = own - other
    p = [p_value(column) for column in lead.T]
    doubtful = [query for query, value in enumerate(p, start=1) if value >= 0.05]
    first = max(doubtful, default=0) + 1
    return {
        "p": {str(mark): p[mark - 1] for mark in marks},
        "smallest_lead": round(float(lead[:, FROM - 1 :].mean(axis=0).min()), 4),
        "largest_p": max(p[FROM - 1 :]),
        "significant_from": first if first <= len(p) else None,
    }
