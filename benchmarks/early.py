"""Early stopping on NB201-Digits: epochs spent, and the network found, against full trainings.

The trainings are those of the shipped table: 8 epochs, 9,466 of them, with the validation accuracy
after each epoch. A search of 100 queries (conf/base) trains by the table: a training goes on until
the rule stops it. *Epochs* is the share of the epochs that full trainings would take. *Difference*
is the mean test accuracy over the training seeds of the chosen cell, minus that of the same search
with full trainings, in points; the p-value is that of a paired t-test over the searches, of a
difference below 0. The searches have no limit, or one of multiply-adds: the median of the space.

*full* never stops. *forecast* is `brpnas.search.EarlyStopping`. *without the ranker* forecasts by
the curve alone. *median* stops a training whose best accuracy so far is below the
median of the running means of all trainings that came as far (Golovin et al., KDD 2017). *halving*
keeps the best half of all that came as far, after epochs 1, 2 and 4 (asynchronous successive
halving, Li et al., MLSys 2020, with stopping). The ranker learns from stopped trainings of four
epochs or more, by their forecasts, which are those of *forecast*. Its settings were chosen on
seeds 0 to 5; *other seeds* leaves these out.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats

from benchmarks.data import bench
from benchmarks.figures import pair
from benchmarks.rankers import make_sampler_of, search_settings
from benchmarks.tasks import SEARCH_CODE, Task, run_tasks
from brpnas.datasets import read_embedded_accuracy, read_embedded_curves
from brpnas.errors import OracleError
from brpnas.search import (
    Answer,
    EarlyStopping,
    Limits,
    ListedPool,
    Oracle,
    Question,
    StoppingRule,
    run_search,
)
from brpnas.search.seeding import generator
from brpnas.search.stopping import LearningCurve
from brpnas.spaces import get_space

__all__ = ["CurveOracle", "run"]

SEEDS = 2, 20
BUDGET = 100
LIMITS = {"none": None, "half": 0.5}
"""Quantile of the multiply-adds of the space that is the limit."""
RUNGS = (1, 2, 4)
TUNED = 6
"""Seeds on which the rule was chosen."""
CODE = (*SEARCH_CODE, "benchmarks/rankers.py", "brpnas/datasets/data")


@dataclass(frozen=True)
class _Run:
    """A training of the table."""

    seed: int
    curve: tuple[float, ...]
    seconds: float


@functools.cache
def _functions() -> dict[str, str]:
    """Isomorphism id of each cell."""
    cells = bench().graphs.arch_ids
    return dict(zip(cells, get_space("nasbench201").isomorphism_ids(cells), strict=True))


@functools.cache
def _runs() -> dict[str, list[_Run]]:
    """The trainings of each function."""
    accuracy = read_embedded_accuracy()
    valid = accuracy[accuracy["split"] == "valid"].set_index(["arch_id", "seed"])["train_time_s"]
    found: dict[str, list[_Run]] = {}
    for (cell, seed), rows in read_embedded_curves().groupby(["arch_id", "seed"], sort=True):
        curve = tuple(rows.sort_values("epoch")["accuracy"])
        run = _Run(int(seed), curve, float(valid[cell, seed]))
        found.setdefault(_functions()[str(cell)], []).append(run)
    return found


@functools.cache
def _test() -> dict[str, float]:
    """Mean test accuracy of each function over its trainings."""
    accuracy = read_embedded_accuracy()
    rows = accuracy[accuracy["split"] == "test"]
    by_function = rows.groupby(rows["arch_id"].map(_functions()))["accuracy"].mean()
    return {str(name): float(value) for name, value in by_function.items()}


class CurveOracle(Oracle):
    """Trains by the table: one of the trainings of the cell's function, drawn by a seed."""

    name = "curves"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def answer(self, question: Question) -> Answer:
        """The training, up to the epoch after which the rule stops it."""
        runs = _runs()[_functions()[question.arch_id]]
        runs = [run for run in runs if run.seed not in question.revealed]
        if not runs:
            raise OracleError("no other training")
        run = runs[generator(self.seed, "curves", question.query).integers(len(runs))]
        epochs = len(run.curve)
        for epoch in range(1, epochs):
            curve = run.curve[:epoch]
            if question.rule is not None and question.rule.stops(curve):
                seconds = run.seconds * epoch / epochs
                return Answer(curve[-1], run.seed, seconds, curve, stopped=True)
        return Answer(run.curve[-1], run.seed, run.seconds, run.curve)


@dataclass(frozen=True)
class _Bars(StoppingRule):
    """Stops below a bar of its own after each epoch; forecasts like another rule."""

    bars: tuple[float, ...] = ()

    def stops(self, curve: Sequence[float]) -> bool:
        """Whether the best accuracy so far is below the bar of the epoch."""
        return len(curve) <= len(self.bars) and max(curve) < self.bars[len(curve) - 1]


@dataclass(frozen=True)
class _Median(EarlyStopping):
    """The median rule."""

    def learn(
        self, curves: Sequence[LearningCurve], answers: Sequence[float], score: float | None = None
    ) -> StoppingRule | None:
        """Bars at the medians of the running means."""
        rule = super().learn(curves, answers, score)
        if rule is None:
            return None
        bars = [
            float(np.median([np.mean(c.accuracies[:e]) for c in curves if len(c.accuracies) >= e]))
            for e in range(1, len(rule.forecasts) + 1)
        ]
        return _Bars(rule.bar, rule.forecasts, tuple(bars))


@dataclass(frozen=True)
class _Halving(EarlyStopping):
    """Asynchronous successive halving."""

    def learn(
        self, curves: Sequence[LearningCurve], answers: Sequence[float], score: float | None = None
    ) -> StoppingRule | None:
        """Bars at the medians of the accuracies after the rungs."""
        rule = super().learn(curves, answers, score)
        if rule is None:
            return None
        bars = [
            float(np.median([c.accuracies[e - 1] for c in curves if len(c.accuracies) >= e]))
            if e in RUNGS
            else -np.inf
            for e in range(1, len(rule.forecasts) + 1)
        ]
        return _Bars(rule.bar, rule.forecasts, tuple(bars))


@dataclass(frozen=True)
class _WithoutRanker(EarlyStopping):
    """Forecasts by the curve alone."""

    def learn(
        self, curves: Sequence[LearningCurve], answers: Sequence[float], score: float | None = None
    ) -> StoppingRule | None:
        """The rule without scores."""
        return super().learn(curves, answers)


RULES: dict[str, type[EarlyStopping] | None] = {
    "full": None,
    "forecast": EarlyStopping,
    "without the ranker": _WithoutRanker,
    "median": _Median,
    "halving": _Halving,
}


def search_once(task: Task) -> dict[str, Any]:
    """One search: epochs and seconds of training, and the test accuracy of the chosen cell."""
    config, limit = task["config"], LIMITS[task["limit"]]
    graphs, space = bench().graphs, get_space("nasbench201")
    flops = bench().architectures.set_index("arch_id")["flops_m"].reindex(graphs.arch_ids)
    pool = ListedPool.create(
        space,
        graphs,
        seed=task["seed"],
        view=config["ranker"]["view"],
        limits=Limits.parse([] if limit is None else [f"flops_m <= {flops.quantile(limit):.9g}"]),
        predicted={"flops_m": flops.to_numpy(np.float64)},
        isomorphism_ids=[_functions()[cell] for cell in graphs.arch_ids],
    )
    kind = RULES[task["rule"]]
    result = run_search(
        pool,
        make_sampler_of({"sampler": "brp", "config": config}),
        CurveOracle(task["seed"]),
        task["budget"],
        progress=False,
        stopping=None if kind is None else kind(**task["stopping"]),
    )
    whole = len(next(iter(_runs().values()))[0].curve)
    history = result.history
    return {
        "epochs": float(history["epochs"].sum() / (whole * len(history))),
        "seconds": float(history["cost_s"].sum()),
        "stopped": int((history["status"] == "stopped").sum()),
        "test": _test()[_functions()[result.chosen]],
    }


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by limit and rule."""
    limits = list(LIMITS)[:1] if quick else list(LIMITS)
    config = search_settings(rounds=5) if quick else search_settings()
    tasks = [
        {"limit": limit, "rule": rule, "seed": seed, "budget": 40 if quick else BUDGET,
         "config": config, "stopping": {}}
        for seed in range(seeds)
        for limit in limits
        for rule in RULES
    ]  # fmt: skip
    done = run_tasks("early", search_once, tasks, {}, workers, code=CODE)
    rows = pd.DataFrame([{**d.task, **d.result} for d in done])
    parts = {limit: rows[rows["limit"] == limit] for limit in limits} | {"all": rows}
    if seeds > TUNED:
        parts["other seeds"] = rows[rows["seed"] >= TUNED]
    figures = {name: _figures(part) for name, part in parts.items()}
    trainings = sum(len(runs) for runs in _runs().values())
    budget = tasks[0]["budget"]
    return {"seeds": seeds, "budget": budget, "trainings": trainings, "limits": figures}


def _figures(rows: pd.DataFrame) -> dict[str, Any]:
    """Figures of each rule; the spread is between seeds."""
    wide = rows.pivot(index=["limit", "seed"], columns="rule", values="test")
    found = {}
    for rule, own in rows.groupby("rule", sort=False):
        difference = 100 * (wide[str(rule)] - wide["full"])
        by_seed = own.groupby("seed")
        figures: dict[str, Any] = {
            "epochs": pair(by_seed["epochs"].mean(), 4),
            "seconds": pair(by_seed["seconds"].mean(), 2),
            "stopped": round(float(own["stopped"].mean()), 1),
            "test": pair(by_seed["test"].mean(), 3, 100),
        }
        if rule != "full":
            per_seed = difference.groupby("seed").mean()
            figures["difference"] = pair(per_seed, 3)
            worse = scipy.stats.ttest_1samp(difference, 0.0, alternative="less").pvalue
            figures["p_worse"] = round(float(worse), 4)
        found[str(rule)] = figures
    return found
