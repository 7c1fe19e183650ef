"""The contract of a candidate pool: the architectures available to a search.

`ListedPool` holds all architectures of a space, or a sample of it, in arrays. `SampledPool` draws
them from a space too large to list. Limits and deduplication live here, not in the samplers: a
sampler takes architectures from `CandidatePool.fresh` or `CandidatePool.shortlist`, or checks an
architecture of its own with `is_open`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.graphs import GraphBatch
from brpnas.search.history import History
from brpnas.search.limits import Limits
from brpnas.spaces import NetworkConfig, SearchSpace

__all__ = [
    "BoolArray",
    "CandidatePool",
    "IntArray",
    "Shortlist",
    "is_accepted",
    "is_allowed",
    "is_open",
]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Shortlist:
    """The ``N`` architectures ranked in a round, each of a different function.

    Attributes:
        arch_ids: Architectures, perhaps more than ``N``.
        rows: Place of each of the ``N`` in ``arch_ids``.
        graphs: Their graphs, in the order of ``rows``.
        is_open: Whether no feasible architecture of the same function has been queried, shape
            ``[N]``. A measurement may have refused it: see `is_allowed`.
        drawn: Number of architectures of the pool itself; the sampler added those after them.
        is_within: Whether it is clearly within the limits, shape ``[N]``; the others are worth
            measuring.
    """

    arch_ids: Sequence[str]
    rows: IntArray
    graphs: GraphBatch
    is_open: BoolArray
    drawn: int
    is_within: BoolArray

    def __len__(self) -> int:
        return len(self.rows)

    def names(self, places: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Architectures at places of the shortlist."""
        return [self.arch_ids[row] for row in self.rows[places].tolist()]


class CandidatePool(ABC):
    """The search space within the limits, and the random order of a seed.

    Every answer is a function of the pool and the arguments. A cache in a pool saves time and
    changes no answer, so a search can go on in another process.
    """

    space: SearchSpace
    seed: int
    network: NetworkConfig
    """Network of an architecture; decides its multiply-adds."""
    limits: Limits
    is_limited: bool
    """Whether the limits exclude an answerable architecture."""
    capacity: int
    """Number of distinct functions to propose, or an upper bound of it."""

    @abstractmethod
    def isomorphism_id(self, arch_id: str) -> str:
        """Id of the function of an architecture.

        Raises:
            UnknownNameError: If the architecture is not in the space.
        """

    @abstractmethod
    def is_feasible(self, arch_id: str) -> bool:
        """Whether the architecture is in the space and may be proposed under the limits."""

    def isomorphic(self, arch_id: str) -> Sequence[str]:
        """Other feasible architectures of the same function, the likeliest within the limits first.

        Equally likely ones are in an order of the seed.

        They may be faster, because some runtimes execute dead operations. Empty in an unlisted
        space.
        """
        return ()

    @abstractmethod
    def is_within(self, arch_id: str) -> bool:
        """Whether the architecture is feasible without a measurement, see `Limits.within`."""

    @abstractmethod
    def fresh(self, history: History, count: int, *, feasible: bool = True) -> list[str]:
        """The next open architectures in the random order of the seed, of different functions.

        Args:
            history: All queries up to now.
            count: Number of architectures; fewer only if the pool has fewer.
            feasible: Whether the limits apply. If not, all answerable architectures of unqueried
                functions are drawn, in another random order.
        """

    @abstractmethod
    def shortlist(self, history: History, also: Sequence[str] = ()) -> Shortlist:
        """The architectures to rank in the round after a history.

        Args:
            history: All queries up to now.
            also: More architectures to rank. Infeasible and queried ones are left out, and
                architectures of a function on the list.
        """

    @abstractmethod
    def graphs_of(self, arch_ids: Sequence[str]) -> GraphBatch:
        """Graphs of architectures in the view of the ranker."""

    def flops(self, arch_ids: Sequence[str]) -> npt.NDArray[np.float64]:
        """Multiply-adds of the network of each, ``[N]``, NaN if unknown."""
        known = self._known_flops
        new = [arch_id for arch_id in arch_ids if arch_id not in known]
        if new:
            known.update(zip(new, self.space.cost(new, self.network)[1].tolist(), strict=True))
        return np.array([known[arch_id] for arch_id in arch_ids], np.float64)

    @cached_property
    def _known_flops(self) -> dict[str, float]:
        return {}

    @abstractmethod
    def predictions(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Predicted metrics of architectures by name, each of shape ``[N]``."""

    @abstractmethod
    def deviations(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Deviations of the logarithms of these predictions by name, each ``[N]``, if known."""

    @abstractmethod
    def describe(self) -> dict[str, object]:
        """Fingerprint for a search's store (JSON types): another value is another search."""


def is_accepted(pool: CandidatePool, arch_id: str, history: History) -> bool:
    """Whether an architecture may be chosen: its measurement passed, or it is clearly within."""
    if arch_id in history.measurements:
        return not history.refuses(arch_id)
    return pool.is_within(arch_id)


def is_allowed(pool: CandidatePool, arch_id: str, history: History) -> bool:
    """Whether a feasible architecture may be proposed: accepted, or a measurement is left."""
    is_new = arch_id not in history.measurements
    return is_accepted(pool, arch_id, history) or (is_new and pool.limits.left(history) > 0)


def is_open(pool: CandidatePool, arch_id: str, history: History) -> bool:
    """Whether it is feasible and allowed, and its function not in `History.functions`."""
    return (
        pool.is_feasible(arch_id)
        and is_allowed(pool, arch_id, history)
        and not history.knows(pool.isomorphism_id(arch_id))
    )
