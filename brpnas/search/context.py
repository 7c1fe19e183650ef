"""A search task over architectures that are listed, with arrays over all of them.

For a whole space, up to millions of architectures, and for a listed sample of a larger one: then
nothing outside of the sample is ever asked. `brpnas.search.OpenContext` needs no list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import ConfigurationError, InfeasibleError, UnknownNameError
from brpnas.graphs import GraphBatch, SpaceGraphs, View
from brpnas.search.history import History
from brpnas.search.seeding import generator
from brpnas.search.task import BoolArray, IntArray, SearchTask, Shortlist
from brpnas.spaces import NetworkConfig, SearchSpace

__all__ = ["SearchContext"]


@dataclass(frozen=True, eq=False)
class SearchContext(SearchTask):
    """A search task without its oracle. Build it with `create`; reseed with `dataclasses.replace`.

    Attributes:
        space: The search space.
        arch_ids: Its architectures, ``N`` of them.
        isomorphism_ids: Equal for architectures that compute the same function.
        functions: The same as numbers from 0, shape ``[N]``.
        graphs: Graphs of all architectures in the view that rankers see.
        feasible: Which architectures satisfy the constraints by prediction, shape ``[N]``.
        predicted: Predicted metrics by name (``latency_ms``, ...), each of shape ``[N]``.
        seed: Seed of the search.
        likely: Which of the feasible probably satisfy them, and are not only worth measuring, shape
            ``[N]``; these are explored.
        answerable: Which can be asked, feasible or not, shape ``[N]``.
        view: View of the graphs.
        network: What is built of an architecture.
    """

    space: SearchSpace
    arch_ids: tuple[str, ...]
    isomorphism_ids: tuple[str, ...]
    functions: IntArray
    graphs: GraphBatch
    feasible: BoolArray
    predicted: Mapping[str, npt.NDArray[np.floating[Any]]]
    seed: int
    likely: BoolArray
    answerable: BoolArray
    view: View
    network: NetworkConfig

    @classmethod
    def create(  # noqa: PLR0913 - one argument per array
        cls,
        space: SearchSpace,
        graphs: SpaceGraphs,
        *,
        seed: int,
        view: View = "function",
        feasible: BoolArray | None = None,
        likely: BoolArray | None = None,
        answerable: BoolArray | None = None,
        predicted: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
        isomorphism_ids: Sequence[str] | None = None,
        network: NetworkConfig | None = None,
    ) -> SearchContext:
        """Put a task together.

        Args:
            space: The search space.
            graphs: Graphs of the whole space, or of a sample that stands for it; their order is the
                order of all arrays.
            seed: Seed of the search, not negative.
            view: View that rankers see.
            feasible: Mask of shape ``[N]``, as `feasible_mask` gives it; all, if left out.
            likely: Which of these probably are, shape ``[N]``; all, if left out.
            answerable: Which the oracle can answer, shape ``[N]``; all, if left out. What it cannot
                answer is not feasible.
            predicted: Predicted metrics by name, each ``[N]``; they end up in the history.
            isomorphism_ids: Those of the graphs, where they are known already; computed if left
                out.
            network: What is built of an architecture; the published network without dead operations
                if left out.

        Raises:
            ConfigurationError: If a shape is not ``[N]`` or the seed is negative.
            InfeasibleError: If the mask is false everywhere.
        """
        mask = np.ones(len(graphs), np.bool_) if feasible is None else np.asarray(feasible)
        ids = isomorphism_ids
        ids = tuple(space.isomorphism_ids(graphs.arch_ids) if ids is None else ids)
        functions = pd.factorize(np.array(ids, np.object_))[0].astype(np.int64)
        likely = mask if likely is None else np.asarray(likely)
        askable = np.ones_like(mask) if answerable is None else np.asarray(answerable)
        given = {
            "feasible": mask,
            "likely": likely,
            "answerable": askable,
            "isomorphism_ids": functions,
            **(predicted or {}),
        }
        for name, values in given.items():
            if values.shape != (len(graphs),):
                raise ConfigurationError(
                    f"{name!r} has shape {values.shape} for a space of {len(graphs)} architectures:"
                    " give one value per architecture, in the order of the graph file."
                )
        if seed < 0:
            raise ConfigurationError(f"The seed of a search must not be negative, and is {seed}.")
        mask = mask & askable
        if not mask.any():
            raise InfeasibleError("The feasible mask excludes every architecture of the space.")
        return cls(
            space,
            graphs.arch_ids,
            ids,
            functions,
            graphs.view(view),
            mask,
            dict(predicted or {}),
            seed,
            likely,
            askable,
            view,
            network or space.published.as_exported,
        )

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {arch_id: row for row, arch_id in enumerate(self.arch_ids)}

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """Number of each function by its id."""
        return dict(zip(self.isomorphism_ids, self.functions.tolist(), strict=True))

    @cached_property
    def pool(self) -> IntArray:
        """Row of one feasible architecture per distinct function, in a random order of the seed.

        Where several members of a class are feasible, the seed draws which one stands for it.
        """
        return self._drawn(self.feasible)

    @cached_property
    def _whole(self) -> IntArray:
        """`pool` without the constraints."""
        return self._drawn(self.answerable)

    def _drawn(self, mask: BoolArray) -> IntArray:
        rng = generator(self.seed, "pool")
        shuffled = rng.permutation(np.flatnonzero(mask))
        first = shuffled[~pd.Series(self.functions[shuffled]).duplicated().to_numpy()]
        # Large classes come early in the order of first sight; a second shuffle makes it uniform.
        return rng.permutation(first)

    @cached_property
    def _members(self) -> dict[int, IntArray]:
        """Rows of the feasible architectures of each function, in a random order of the seed."""
        rows = generator(self.seed, "siblings").permutation(np.flatnonzero(self.feasible))
        rows = rows[np.argsort(self.functions[rows], kind="stable")]
        numbers, starts = np.unique(self.functions[rows], return_index=True)
        return dict(zip(numbers.tolist(), np.split(rows, starts[1:]), strict=True))

    def siblings(self, arch_id: str) -> list[str]:
        """Other feasible architectures of the same function, in an order of the seed."""
        row = int(self.rows([arch_id])[0])
        members = self._members.get(int(self.functions[row]), np.zeros(0, np.int64))
        return self.names(members[members != row])

    @property
    def capacity(self) -> int:
        """Number of distinct feasible functions."""
        return len(self.pool)

    @property
    def is_limited(self) -> bool:
        """Whether constraints exclude anything that could be asked."""
        return bool((self.answerable & ~(self.feasible & self.likely)).any())

    def rows(self, arch_ids: Sequence[str]) -> IntArray:
        """Row of each architecture.

        Raises:
            UnknownNameError: If one is not in the list.
        """
        try:
            return np.array([self._rows[arch_id] for arch_id in arch_ids], np.int64)
        except KeyError as missing:
            raise UnknownNameError("architecture", str(missing.args[0]), ()) from None

    def isomorphism_id(self, arch_id: str) -> str:
        """Id of the function that an architecture computes.

        Raises:
            UnknownNameError: If it is not in the list.
        """
        return self.isomorphism_ids[int(self.rows([arch_id])[0])]

    def is_feasible(self, arch_id: str) -> bool:
        """Whether the architecture is in the list and satisfies the constraints."""
        row = self._rows.get(arch_id)
        return row is not None and bool(self.feasible[row])

    def unqueried(self, history: History) -> IntArray:
        """Rows of the pool whose function `History.knows` not, in the order of the pool."""
        return self.pool[self._is_open(history)] if len(history) else self.pool

    def _is_open(self, history: History) -> BoolArray:
        """Of each row of the pool, whether its function is not known to the history."""
        known = [self._numbers[name] for name in history.functions if name in self._numbers]
        is_known = np.zeros(len(self._numbers), np.bool_)
        is_known[known] = True
        return ~is_known[self.functions[self.pool]]

    def fresh(self, history: History, count: int, *, feasible: bool = True) -> list[str]:
        """The next open architectures in the order of the pool, the likely ones first.

        Args:
            history: All queries so far.
            count: How many.
            feasible: Whether they are to satisfy the constraints; otherwise any that can be asked.
        """
        if not feasible:
            unasked = (r for r in self._whole if not history.has_asked(self.isomorphism_ids[r]))
            return self.names(np.array(list(islice(unasked, count)), np.int64))
        rows = self.unqueried(history)
        rows = np.concatenate([rows[self.likely[rows]], rows[~self.likely[rows]]])
        names = (self.arch_ids[row] for row in rows.tolist())
        return list(islice((n for n in names if not self.is_refused(n, history)), count))

    def shortlist(self, history: History, also: Sequence[str] = ()) -> Shortlist:
        """The whole pool, in its order.

        Args:
            history: All queries so far.
            also: Makes no difference: whatever is feasible is in the pool, by its function.
        """
        return Shortlist(
            self.arch_ids,
            self.pool,
            self.graphs[self.pool],
            self._is_open(history),
            len(self.pool),
            self.likely[self.pool],
        )

    def is_likely(self, arch_ids: Sequence[str]) -> BoolArray:
        """Which probably are within the constraints, shape ``[N]``.

        Raises:
            UnknownNameError: If one is not in the list.
        """
        return self.likely[self.rows(arch_ids)]

    def graphs_of(self, arch_ids: Sequence[str]) -> GraphBatch:
        """Graphs of architectures in the view that rankers see.

        Raises:
            UnknownNameError: If one is not in the list.
        """
        return self.graphs[self.rows(arch_ids)]

    def predictions(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Predicted metrics of architectures by name, each of shape ``[N]``.

        Raises:
            UnknownNameError: If one is not in the list.
        """
        rows = self.rows(arch_ids)
        return {name: np.asarray(v, np.float64)[rows] for name, v in self.predicted.items()}

    def names(self, rows: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Architectures of rows."""
        return [self.arch_ids[row] for row in rows.tolist()]

    def describe(self) -> dict[str, object]:
        """What a store must hold against another task: space, seed, view, feasible set."""
        described: dict[str, object] = {
            "space": self.space.name,
            "architectures": len(self.arch_ids),
            "seed": self.seed,
            "view": self.view,
            "network": self.network.size,
            "feasible": int(self.feasible.sum()),
            "feasible_sha256": _digest(self.feasible),
        }
        if (self.feasible & ~self.likely).any():
            described["likely_sha256"] = _digest(self.likely)
        if not self.answerable.all() and self.is_limited:
            described["answerable_sha256"] = _digest(self.answerable)
        return described


def _digest(mask: BoolArray) -> str:
    return hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()
