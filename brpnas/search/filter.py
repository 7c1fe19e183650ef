"""The latency filter: it measures proposals before the oracle is queried.

A training takes minutes to hours, a measurement seconds at most. So all proposals of a round are
measured before the first query, and the next best replace the rejected ones. The prediction then
only rules out architectures before their measurement (`Limits.worth_measuring`), without the upper
conformal ratio: it would exclude the best architectures close to the limit. Use the filter with a
device, or with a table of its latencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from brpnas.errors import TaskError
from brpnas.search.history import Measurement
from brpnas.search.pools.base import CandidatePool

__all__ = ["LatencyFilter", "Measure", "TableLatency"]

Measure: TypeAlias = Callable[[Sequence[str]], Iterable[tuple[str, float | TaskError | None]]]
"""Measures architectures and yields each result at once: latency in ms, None if it cannot be known,
or the error of a failed measurement."""


@dataclass(frozen=True)
class TableLatency:
    """Measured latencies of a table.

    Args:
        latency_ms: By architecture.
    """

    latency_ms: Mapping[str, float]

    def __call__(self, arch_ids: Sequence[str]) -> Iterator[tuple[str, float | None]]:
        """Latency in ms of each architecture, None if the table lacks it."""
        return ((arch_id, self.latency_ms.get(arch_id)) for arch_id in arch_ids)


@dataclass(frozen=True, eq=False)
class LatencyFilter:
    """Measures architectures and decides whether they satisfy the limits of the pool.

    Attributes:
        measure: Measures latency. Picklable, for searches in several processes.
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
            # One by one: the last bits of a network's prediction depend on the rest of its batch.
            predicted = pool.predictions([arch_id])
            metrics = {name: float(values[0]) for name, values in predicted.items()}
            if isinstance(outcome, TaskError):
                yield Measurement(number, arch_id, within=False, message=outcome.message)
            elif outcome is None:
                yield Measurement(number, arch_id, pool.limits.holds(metrics, None))
            elif not np.isfinite(outcome):
                message = f"The measured latency, {outcome} ms, is not finite."
                yield Measurement(number, arch_id, within=False, message=message)
            else:
                latency = float(outcome)
                yield Measurement(number, arch_id, pool.limits.holds(metrics, latency), latency)

    def describe(self) -> dict[str, object]:
        """Fingerprint for a search's store (JSON types)."""
        return {"source": self.source}
