"""Held-out test scores of a search, for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from brpnas.search import HeldOutScores, Limits, ListedPool, SampledPool, trace
from pipelines.search.pool import deviations_of, metrics_of
from pipelines.search.settings import SearchSettings

__all__ = ["SearchScores", "best_seed", "known", "score_held_out"]


@dataclass(frozen=True)
class SearchScores:
    """Held-out scores of a search.

    Attributes:
        held_out: Test accuracies by architecture.
        trained: Accuracies of the oracle's own trainings; empty without any.
        feasible: Number of proposable listed architectures.
    """

    held_out: HeldOutScores
    trained: pd.DataFrame
    feasible: int

    def of(self, arch_id: str, runs: pd.DataFrame, split: str) -> dict[str, float | None]:
        """Scores of an architecture's trainings by metric, means over seeds; null if unknown.

        Args:
            arch_id: The architecture.
            runs: Its answered queries.
            split: ``valid`` or ``test``.
        """
        if "balanced_accuracy" not in self.trained:
            value = self.held_out.mean.get(arch_id) if split == "test" else runs["accuracy"].mean()
            return {f"{split}_accuracy": known(value)}
        rows = (self.trained["arch_id"] == arch_id) & (self.trained["split"] == split)
        means = self.trained.loc[rows, ["accuracy", "balanced_accuracy"]].mean()
        return {f"{split}_{metric}": known(value) for metric, value in means.items()}

    def last(self, history: pd.DataFrame) -> pd.Series[Any]:
        """Row of `brpnas.search.trace` after the last query."""
        return trace(history, self.held_out).iloc[-1]


def score_held_out(
    settings: SearchSettings,
    limits: Limits,
    candidates: pd.DataFrame,
    pool: ListedPool | SampledPool,
    accuracy: pd.DataFrame,
    oracle_accuracy: pd.DataFrame,
) -> SearchScores:
    """Test accuracies to score a search, in the metric of its answers.

    With the oracle ``table`` they come from the table. The optimum is then the best architecture
    within reach of the search, or unknown with measurements on a device. With another oracle they
    come from its own trainings, and the optimum is unknown. The public part of NAS-Bench-101 and
    surrogates have no test accuracies.
    """
    listed = candidates["arch_id"].tolist()
    feasible = int(
        limits.proposable(listed, metrics_of(candidates), deviations_of(candidates)).sum()
    )
    held_out = _held_out(settings, accuracy, oracle_accuracy, _reachable(limits, pool))
    return SearchScores(held_out, oracle_accuracy, feasible)


def _reachable(limits: Limits, pool: ListedPool | SampledPool) -> list[str] | None:
    """Architectures within reach of the search; None if only proposals are measured."""
    if "device" in limits.sources.values():
        return None
    if isinstance(pool, SampledPool):
        return []
    mask = pool.feasible & limits.feasible(pool.arch_ids, dict(pool.predicted), dict(pool.spread))
    return pool.names(mask.nonzero()[0])


def _held_out(
    settings: SearchSettings,
    accuracy: pd.DataFrame,
    oracle_accuracy: pd.DataFrame,
    reachable: Sequence[str] | None,
) -> HeldOutScores:
    oracle, dataset = settings.search.oracle, settings.dataset
    table = accuracy if oracle.name == "table" else oracle_accuracy
    if not ((table["split"] == "test") & (table["dataset"] == dataset)).any():
        return HeldOutScores({}, {}, math.nan)
    if oracle.name == "table":
        scores = HeldOutScores.from_table(accuracy, dataset, reachable)
        return scores if reachable is not None else replace(scores, optimum=math.nan)
    if oracle.metric != "accuracy":
        table = table.assign(accuracy=table[oracle.metric])
    return replace(HeldOutScores.from_table(table, dataset), optimum=math.nan)


def best_seed(runs: pd.DataFrame) -> int | None:
    """Training seed of the best of an architecture's answered queries; None if unknown."""
    seed = runs.loc[runs["accuracy"].astype(float).idxmax(), "seed"]
    return None if pd.isna(seed) else int(seed)


def known(value: float | None) -> float | None:
    """A figure for JSON: null if missing or not finite."""
    return None if value is None or not math.isfinite(float(value)) else float(value)
