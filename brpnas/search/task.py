"""The contract of a search task: what a sampler may know and ask, whatever the size of the space.

`brpnas.search.SearchContext` is a task over architectures that are listed: a whole space, or a
sample of one. `brpnas.search.OpenContext` is one over a space that is too large to list.
Feasibility and deduplication live here, not in the samplers: a sampler takes architectures from
`SearchTask.fresh` or `SearchTask.shortlist`, or asks `SearchTask.is_open` about one that it made
up.
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
from brpnas.spaces import NetworkConfig, SearchSpace

__all__ = ["BoolArray", "IntArray", "SearchTask", "Shortlist"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Shortlist:
    """What a round ranks: feasible architectures of different functions, ``N`` of them.

    Attributes:
        arch_ids: Architectures, these and perhaps others.
        rows: Place of each of the ``N`` among them.
        graphs: Their graphs, in the order of ``rows``.
        is_open: Whether no architecture of the function that may be chosen has been queried yet,
            shape ``[N]``. The architecture may have been refused for its latency all the same: see
            `SearchTask.is_refused`.
        drawn: The first so many are the task's own; those after them were added by the sampler.
        is_likely: Whether it probably is within the constraints, shape ``[N]``; all but those that
            are only worth measuring.
    """

    arch_ids: Sequence[str]
    rows: IntArray
    graphs: GraphBatch
    is_open: BoolArray
    drawn: int
    is_likely: BoolArray

    def __len__(self) -> int:
        return len(self.rows)

    def names(self, places: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Architectures at places of the shortlist."""
        return [self.arch_ids[row] for row in self.rows[places].tolist()]


class SearchTask(ABC):
    """A search without its sampler and its oracle: the space, the seed, and what is feasible.

    Every answer is a function of the task and of the arguments, never of what was asked before:
    what a task remembers only saves time. So a search can go on in another process.
    """

    space: SearchSpace
    seed: int
    network: NetworkConfig
    """What is built of an architecture; decides its multiply-adds."""

    @property
    @abstractmethod
    def capacity(self) -> int:
        """Number of distinct feasible functions, or a bound of it where they cannot be counted."""

    @property
    @abstractmethod
    def is_limited(self) -> bool:
        """Whether constraints exclude anything that could be asked."""

    @abstractmethod
    def isomorphism_id(self, arch_id: str) -> str:
        """Id of the function that an architecture computes.

        Raises:
            UnknownNameError: If the architecture is not in the space.
        """

    @abstractmethod
    def is_feasible(self, arch_id: str) -> bool:
        """Whether the architecture is in the space and satisfies the constraints."""

    def is_open(self, arch_id: str, history: History) -> bool:
        """Whether it is feasible and not refused, and `History.knows` none of its function."""
        return (
            self.is_feasible(arch_id)
            and not self.is_refused(arch_id, history)
            and not history.knows(self.isomorphism_id(arch_id))
        )

    def siblings(self, arch_id: str) -> Sequence[str]:
        """Other feasible architectures of the same function, in an order of the seed.

        They may be faster: not every runtime removes what a network computes in vain. None where
        they are not listed.
        """
        return ()

    def is_refused(self, arch_id: str, history: History) -> bool:
        """Whether it was measured and is over the limit, and so are all of its siblings."""
        return history.refuses(arch_id) and all(map(history.refuses, self.siblings(arch_id)))

    @abstractmethod
    def fresh(self, history: History, count: int, *, feasible: bool = True) -> list[str]:
        """The next open architectures in the random order of the seed, of different functions.

        Args:
            history: All queries so far.
            count: How many; fewer come only if there are no more.
            feasible: Whether they are to satisfy the constraints. Otherwise they are of all that
                can be asked, in a random order of its own, and none of a function that was asked.
        """

    @abstractmethod
    def shortlist(self, history: History, also: Sequence[str] = ()) -> Shortlist:
        """What a ranking sampler ranks in the round after a history.

        Args:
            history: All queries so far.
            also: Architectures to rank besides. Those that are infeasible, queried, or of a
                function that is on the list are left out.
        """

    @abstractmethod
    def is_likely(self, arch_ids: Sequence[str]) -> BoolArray:
        """Which of feasible ones probably are within the constraints, shape ``[N]``.

        The others are only worth measuring.
        """

    @abstractmethod
    def graphs_of(self, arch_ids: Sequence[str]) -> GraphBatch:
        """Graphs of architectures in the view that rankers see."""

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
        """Predicted metrics of architectures by name, each of shape ``[N]``; for the history."""

    @abstractmethod
    def describe(self) -> dict[str, object]:
        """What a store must hold against another task (JSON types)."""
