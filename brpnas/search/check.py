"""Measuring what a search is about to ask: a limit kept by measurement, not by prediction alone.

A training takes minutes to hours, a measurement seconds at most. So the architectures of a round
are measured before the first of them is asked, and those over the limit are left out for the next
best. Prediction then only decides what is worth measuring, see
`brpnas.predictors.margin.lower_factor`, and needs no safety margin, which would cost the best of
the architectures close to the limit. Use it wherever the device is at hand, or a table holds its
latencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from brpnas.errors import TaskError
from brpnas.search.constraints import Constraint
from brpnas.search.history import Measurement
from brpnas.search.task import SearchTask

__all__ = ["LatencyCheck", "Measure", "TableLatency"]

LATENCY = "latency_ms"

Measure: TypeAlias = Callable[[Sequence[str]], Iterable[tuple[str, float | TaskError | None]]]
"""Latency in ms of architectures, each the moment it is known; None where it cannot be known, an
error where measuring failed."""


@dataclass(frozen=True)
class TableLatency:
    """Measured latencies of a table.

    Args:
        latency_ms: By architecture.
    """

    latency_ms: Mapping[str, float]

    def __call__(self, arch_ids: Sequence[str]) -> Iterator[tuple[str, float | None]]:
        """Latency in ms of each architecture, None for those not in the table."""
        return ((arch_id, self.latency_ms.get(arch_id)) for arch_id in arch_ids)


@dataclass(frozen=True, eq=False)
class LatencyCheck:
    """Says of architectures whether they truly satisfy the constraints.

    Attributes:
        constraints: What they must satisfy, by measured latency and the predicted other metrics.
        measure: Measures them. Picklable, for searches in several processes.
        margin: Factor that a predicted latency counts with where no measured one can be known.
        per_query: Measurements for each query of a round, after which no more is measured in the
            round that is not probably within the limit.
        source: What tells ``measure`` from another one, for the store of a search.
    """

    constraints: tuple[Constraint, ...]
    measure: Measure
    margin: float
    source: str
    per_query: int = 10

    def judge(
        self, context: SearchTask, arch_ids: Sequence[str], number: int
    ) -> Iterator[Measurement]:
        """Measure architectures one after another.

        Args:
            context: The task, which predicts the other metrics.
            arch_ids: Architectures of the space.
            number: Number of the round that they are for.
        """
        for arch_id, outcome in self.measure(arch_ids):
            # One by one: the last bits of a network's prediction depend on what is beside it.
            predicted = context.predictions([arch_id])
            metrics = {name: float(values[0]) for name, values in predicted.items()}
            if outcome is None:
                yield Measurement(number, arch_id, self._satisfied(metrics, self.margin))
                continue
            if isinstance(outcome, TaskError):
                yield Measurement(number, arch_id, within=False, message=outcome.message)
            elif not np.isfinite(outcome):
                message = f"A latency of {outcome} ms was measured, which is none."
                yield Measurement(number, arch_id, within=False, message=message)
            else:
                within = self._satisfied({**metrics, LATENCY: float(outcome)}, 1.0)
                yield Measurement(number, arch_id, within, float(outcome))

    def _satisfied(self, values: Mapping[str, float], margin: float) -> bool:
        limits = (constraint.with_margin(LATENCY, margin) for constraint in self.constraints)
        return all(bool(limit.satisfied(values)) for limit in limits)

    def describe(self) -> dict[str, object]:
        """What a store must hold against another check (JSON types)."""
        return {
            "constraints": [constraint.canonical for constraint in self.constraints],
            "margin": float(f"{self.margin:.6g}"),
            "per_query": self.per_query,
            "source": self.source,
        }
