"""Several samplers on one search for a front, compared by the hypervolume of their queries."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import TaskError
from brpnas.fanout import get_engine
from brpnas.search import (
    HeldOutScores,
    ListedPool,
    MetricFilter,
    Oracle,
    SampledPool,
    Sampler,
    run_search,
    trace,
)
from brpnas.search.fronts import Known, Objectives, Scale
from pipelines.search.settings import SearchSettings

__all__ = ["FrontSearches", "compare_fronts", "front_traces"]

Histories: TypeAlias = Mapping[tuple[str, int], pd.DataFrame]
_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FrontSearches:
    """Searches for a front by several samplers; picklable for other processes.

    Attributes:
        pool: The candidate pool; its own seed is not used.
        samplers: Samplers by name.
        make_oracle: Makes the oracle of a seed.
        budget: Queries of each search.
        metric_filter: Measures proposals, see `brpnas.search.run_search`.
        parallel: Evaluations in flight; None for rounds.
    """

    pool: ListedPool | SampledPool
    samplers: Mapping[str, Sampler]
    make_oracle: Callable[[int], Oracle]
    budget: int
    metric_filter: MetricFilter | None
    parallel: int | None = None

    def history(self, search: tuple[str, int]) -> pd.DataFrame:
        """History of the search of a sampler with a seed."""
        sampler, seed = search
        result = run_search(
            replace(self.pool, seed=seed),
            self.samplers[sampler],
            self.make_oracle(seed),
            self.budget,
            metric_filter=self.metric_filter,
            progress=False,
            parallel=self.parallel,
        )
        return result.history


def compare_fronts(
    settings: SearchSettings,
    searches: FrontSearches,
    scores: HeldOutScores,
    seeds: Sequence[int],
) -> pd.DataFrame:
    """Run every sampler with every seed and trace each search.

    Args:
        settings: Parameters of the search.
        searches: The searches.
        scores: Test accuracies for the traces.
        seeds: Each one seeds the sampler and the oracle of one search per sampler.

    Returns:
        As `front_traces`, ordered by sampler, seed and query.
    """
    tasks = list(itertools.product(searches.samplers, seeds))
    found: dict[tuple[str, int], pd.DataFrame] = {}
    with get_engine(settings.search.workers) as engine:
        for task, outcome in engine.run(functools.partial(_history, searches), tasks):
            if isinstance(outcome, TaskError):
                raise outcome
            found[task] = outcome
    histories = {task: found[task] for task in tasks}
    return front_traces(histories, settings.objectives, settings.known, scores)


def _history(searches: FrontSearches, search: tuple[str, int]) -> pd.DataFrame:
    return searches.history(search)


def front_traces(
    histories: Histories, objectives: Objectives, known: Known, scores: HeldOutScores
) -> pd.DataFrame:
    """Traces of searches for a front, with the hypervolume of their queries.

    Accuracies are test accuracies; without any, the mean answers. Costs are measured values where
    there are any, else predictions. The front of all searches together gives the scale.

    Args:
        histories: History of each search, by sampler and seed.
        objectives: Objectives of the searches.
        known: Measured costs.
        scores: Test accuracies.

    Returns:
        Columns ``sampler, seed``, those of `brpnas.search.trace`, and ``hypervolume`` of all
        feasible answers up to the query.
    """
    points = {
        search: _points(history, objectives, known, scores) for search, history in histories.items()
    }
    scale = Scale.of(np.concatenate(list(points.values())))
    tables = []
    for (sampler, seed), history in histories.items():
        table = trace(history, scores)
        table.insert(0, "seed", seed)
        table.insert(0, "sampler", sampler)
        tables.append(table.assign(hypervolume=_growing(points[sampler, seed], scale)))
    return pd.concat(tables, ignore_index=True)


def _points(
    history: pd.DataFrame, objectives: Objectives, known: Known, scores: HeldOutScores
) -> _Floats:
    """Point of each query, ``[N, M]``; NaN without a counting answer or accuracy."""
    names = [str(name) for name in history["arch_id"]]
    counts = (history["status"] == "ok") & history["feasible"]
    if scores.mean:
        accuracy = history["arch_id"].map(scores.mean)
    else:
        accuracy = history["accuracy"].where(counts).groupby(history["arch_id"]).transform("mean")
    measured = {name: dict(known.get(name, {})) for name in objectives.costs}
    for cost in objectives.costs:
        if cost in history:
            values = history.set_index("arch_id")[cost].astype(float).dropna()
            measured[cost] |= values.to_dict()
    predicted = {
        name: history[f"predicted_{name}"].to_numpy(np.float64)
        for name in objectives.costs
        if f"predicted_{name}" in history
    }
    costs = objectives.values(names, predicted, measured)
    return objectives.points(accuracy.where(counts).astype(float), costs)


def _growing(points: _Floats, scale: Scale) -> _Floats:
    """Hypervolume of the points up to each one, ``[N]``; those with NaN count nothing."""
    found, kept = np.zeros(len(points)), points[:0]
    for place, point in enumerate(points):
        is_new = np.isfinite(point).all() and not (kept >= point).all(axis=1).any()
        if is_new:
            kept = np.vstack([kept[~(kept <= point).all(axis=1)], point])
        known = found[place - 1] if place else 0.0
        found[place] = scale.hypervolume(kept) if is_new else known
    return found
