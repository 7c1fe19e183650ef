"""The filter: it measures proposals before the oracle is queried.

A training takes minutes to hours, a measurement seconds at most. So the uncertain proposals of a
round are measured before the first query, and the next best replace the refused ones. Use the
filter with a device, or with tables of its metrics. `brpnas.search.Limits` says what is uncertain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from brpnas.errors import TaskError
from brpnas.search.history import Measurement
from brpnas.search.pools.base import CandidatePool

__all__ = ["Measure", "MetricFilter", "TableMetrics"]

Outcome: TypeAlias = Mapping[str, float] | TaskError
Measure: TypeAlias = Callable[[Sequence[str]], Iterable[tuple[str, Outcome]]]
"""Measures architectures and yields each result at once: the measured metrics by name, without
those that cannot be known, or the error of a failed measurement."""


@dataclass(frozen=True)
class TableMetrics:
    """Measured metrics of tables.

    Args:
        values: By metric and architecture.
    """

    values: Mapping[str, Mapping[str, float]]

    def __call__(self, arch_ids: Sequence[str]) -> Iterator[tuple[str, dict[str, float]]]:
        """Metrics of each architecture, those of the tables that have it."""
        for arch_id in arch_ids:
            yield (
                arch_id,
                {n: known[arch_id] for n, known in self.values.items() if arch_id in known},
            )


@dataclass(frozen=True, eq=False)
class MetricFilter:
    """Measures architectures and decides whether they satisfy the limits of the pool.

    Attributes:
        measure: Measures metrics. Picklable, for searches in several processes.
        source: Name of ``measure`` in the store of a search; another name is another search.
    """

    measure: Measure
    source: str

    def apply(
        self, pool: CandidatePool, arch_ids: Sequence[str], number: int
    ) -> Iterator[Measurement]:
        """Measure architectures one after another.

        Args:
            pool: The candidate pool, with the limits and predictions of the other metrics.
            arch_ids: Architectures of the space.
            number: Number of the round.
        """
        for arch_id, outcome in self.measure(arch_ids):
            if isinstance(outcome, TaskError):
                yield Measurement(number, arch_id, within=False, message=outcome.message)
                continue
            values = {name: float(value) for name, value in outcome.items()}
            wrong = [name for name, value in values.items() if not np.isfinite(value)]
            if wrong:
                message = f"The measured {wrong[0]}, {values[wrong[0]]}, is not finite."
                yield Measurement(number, arch_id, within=False, message=message)
                continue
            # One by one: the last bits of a network's prediction depend on the rest of its batch.
            predicted, spread = (
                {name: float(found[0]) for name, found in of([arch_id]).items()}
                for of in (pool.predictions, pool.deviations)
            )
            within = pool.limits.holds(arch_id, predicted, spread, values)
            yield Measurement(number, arch_id, within, values)

    def describe(self) -> dict[str, object]:
        """Fingerprint for a search's store (JSON types)."""
        return {"source": self.source}
