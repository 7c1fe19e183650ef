"""A candidate pool of listed architectures, with arrays over all of them.

For a whole space, up to millions of architectures, or a listed sample of a larger space: the search
then stays in the sample. `brpnas.search.SampledPool` needs no list.
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

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.graphs import GraphBatch, SpaceGraphs, View
from brpnas.search.history import History
from brpnas.search.limits import Limits
from brpnas.search.pools.base import BoolArray, CandidatePool, IntArray, Shortlist, is_allowed
from brpnas.search.seeding import generator
from brpnas.spaces import NetworkConfig, SearchSpace

__all__ = ["ListedPool"]


_BELOW = float(np.nextafter(1.0, 0.0))
"""Highest probability of an architecture that is not clearly within."""


@dataclass(frozen=True, eq=False)
class ListedPool(CandidatePool):
    """A pool in arrays. Build it with `create`; reseed it with `dataclasses.replace`.

    Attributes:
        space: The search space.
        arch_ids: Its architectures, ``N`` of them.
        isomorphism_ids: Ids of the functions, equal for isomorphic architectures.
        functions: The functions as numbers from 0, shape ``[N]``.
        graphs: Graphs of all architectures in the view of the ranker.
        limits: Limits of the search.
        feasible: Whether an architecture may be proposed, shape ``[N]``.
        odds: Probability that it satisfies the limits, shape ``[N]``; 1 if clearly within.
        predicted: Predicted metrics by name (``latency_ms``, ...), each of shape ``[N]``.
        spread: Deviations of the logarithms of predictions by name, each ``[N]``, if known.
        seed: Seed of the search.
        answerable: Whether the oracle can answer it, shape ``[N]``.
        view: View of the graphs.
        network: Network of an architecture.
    """

    space: SearchSpace
    arch_ids: tuple[str, ...]
    isomorphism_ids: tuple[str, ...]
    functions: IntArray
    graphs: GraphBatch
    limits: Limits
    feasible: BoolArray
    odds: npt.NDArray[np.float64]
    predicted: Mapping[str, npt.NDArray[np.floating[Any]]]
    spread: Mapping[str, npt.NDArray[np.floating[Any]]]
    seed: int
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
        limits: Limits | None = None,
        answerable: BoolArray | None = None,
        predicted: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
        deviations: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
        isomorphism_ids: Sequence[str] | None = None,
        network: NetworkConfig | None = None,
    ) -> ListedPool:
        """Put a pool together.

        Args:
            space: The search space.
            graphs: Graphs of the whole space, or of a sample of it; their order is the order of all
                arrays.
            seed: Seed of the search, not negative.
            view: View of the ranker.
            limits: Limits of the search; none if left out.
            answerable: Whether the oracle can answer each, shape ``[N]``; all if left out. Others
                are not feasible.
            predicted: Predicted metrics by name, each ``[N]``, for the limits and the history.
            deviations: Deviations of the logarithms of predictions by name, each ``[N]``.
            isomorphism_ids: Isomorphism ids of the graphs; computed if left out.
            network: Network of an architecture; the published network without dead operations if
                left out.

        Raises:
            ConfigurationError: If a shape is not ``[N]`` or the seed is negative.
            ConstraintError: If ``predicted`` lacks a limited metric.
            InfeasibleError: If no architecture may be proposed.
        """
        metrics, spread = dict(predicted or {}), dict(deviations or {})
        ids = isomorphism_ids
        ids = tuple(space.isomorphism_ids(graphs.arch_ids) if ids is None else ids)
        functions = pd.factorize(np.array(ids, np.object_))[0].astype(np.int64)
        askable = np.ones(len(graphs), np.bool_) if answerable is None else np.asarray(answerable)
        given = {"answerable": askable, "isomorphism_ids": functions, **metrics}
        for name, values in [*given.items(), *spread.items()]:
            if values.shape != (len(graphs),):
                raise ConfigurationError(
                    f"{name!r} has shape {values.shape} for a space of {len(graphs)} architectures:"
                    " give one value per architecture, in the order of the graph file."
                )
        if seed < 0:
            raise ConfigurationError(f"The seed of a search must not be negative, and is {seed}.")
        limits = limits or Limits()
        of = graphs.arch_ids, metrics, spread
        within, feasible = limits.within(*of), limits.proposable(*of)
        if not (feasible & askable).any():
            raise limits.infeasible(*of)
        return cls(
            space,
            graphs.arch_ids,
            ids,
            functions,
            graphs.view(view),
            limits,
            feasible & askable,
            np.where(within, 1.0, np.minimum(limits.odds(*of), _BELOW)),
            metrics,
            spread,
            seed,
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
    def representatives(self) -> IntArray:
        """Row of one feasible architecture per distinct function, in a random order of the seed.

        It is the most likely one to satisfy the limits; the seed draws among equally likely ones.
        """
        return self._drawn(self.feasible)

    @cached_property
    def _whole(self) -> IntArray:
        """The same without the limits."""
        return self._drawn(self.answerable, likely_first=False)

    def _drawn(self, mask: BoolArray, *, likely_first: bool = True) -> IntArray:
        rng = generator(self.seed, "pool")
        shuffled = rng.permutation(np.flatnonzero(mask))
        if likely_first:
            shuffled = shuffled[np.argsort(-self.odds[shuffled], kind="stable")]
        first = shuffled[~pd.Series(self.functions[shuffled]).duplicated().to_numpy()]
        # Large classes come early in the order of first sight; a second shuffle makes it uniform.
        return rng.permutation(first)

    @cached_property
    def _members(self) -> dict[int, IntArray]:
        """Rows of the feasible architectures of each function, the likeliest first.

        The seed decides the order of equally likely ones.
        """
        # This name is part of the seed: another one is another order.
        rows = generator(self.seed, "siblings").permutation(np.flatnonzero(self.feasible))
        rows = rows[np.lexsort((-self.odds[rows], self.functions[rows]))]
        numbers, starts = np.unique(self.functions[rows], return_index=True)
        return dict(zip(numbers.tolist(), np.split(rows, starts[1:]), strict=True))

    def isomorphic(self, arch_id: str) -> list[str]:
        """Other feasible architectures of the same function, the likeliest within limits first."""
        row = int(self.rows([arch_id])[0])
        members = self._members.get(int(self.functions[row]), np.zeros(0, np.int64))
        return self.names(members[members != row])

    @cached_property
    def within(self) -> BoolArray:
        """Whether each architecture is clearly within the limits, shape ``[N]``."""
        return np.asarray(self.odds == 1.0)

    @cached_property
    def capacity(self) -> int:  # type: ignore[override]
        """Number of distinct feasible functions."""
        return len(self.representatives)

    @cached_property
    def is_limited(self) -> bool:  # type: ignore[override]
        """Whether the limits exclude an answerable architecture."""
        return bool((self.answerable & ~self.within).any())

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
        """Id of the function of an architecture.

        Raises:
            UnknownNameError: If it is not in the list.
        """
        return self.isomorphism_ids[int(self.rows([arch_id])[0])]

    def is_feasible(self, arch_id: str) -> bool:
        """Whether the architecture is in the list and may be proposed under the limits."""
        row = self._rows.get(arch_id)
        return row is not None and bool(self.feasible[row])

    def is_within(self, arch_id: str) -> bool:
        """Whether the architecture is feasible without a measurement."""
        row = self._rows.get(arch_id)
        return row is not None and bool(self.within[row])

    def unqueried(self, history: History) -> IntArray:
        """Rows of functions not yet queried, in the order of the pool."""
        rows = self.representatives
        return rows[self._is_open(history)] if len(history) else rows

    def _is_open(self, history: History) -> BoolArray:
        """Whether each function of the pool is not yet queried, shape ``[capacity]``."""
        known = [self._numbers[name] for name in history.functions if name in self._numbers]
        is_known = np.zeros(len(self._numbers), np.bool_)
        is_known[known] = True
        return ~is_known[self.functions[self.representatives]]

    def fresh(self, history: History, count: int, *, feasible: bool = True) -> list[str]:
        """The next open architectures in the order of the pool, those clearly within first.

        Args:
            history: All queries up to now.
            count: Number of architectures.
            feasible: Whether the limits apply; if not, all answerable architectures are drawn.
        """
        if not feasible:
            unasked = (r for r in self._whole if not history.has_asked(self.isomorphism_ids[r]))
            return self.names(np.array(list(islice(unasked, count)), np.int64))
        rows = self.unqueried(history)
        is_first = self.within[rows]
        rows = np.concatenate([rows[is_first], rows[~is_first]])
        names = (self.arch_ids[row] for row in rows.tolist())
        return list(islice((n for n in names if is_allowed(self, n, history)), count))

    def shortlist(self, history: History, also: Sequence[str] = ()) -> Shortlist:
        """The whole pool, in its order.

        Args:
            history: All queries up to now.
            also: Ignored: every feasible function is in the pool.
        """
        return Shortlist(
            self.arch_ids,
            self.representatives,
            self.graphs[self.representatives],
            self._is_open(history),
            len(self.representatives),
            self.within[self.representatives],
        )

    def graphs_of(self, arch_ids: Sequence[str]) -> GraphBatch:
        """Graphs of architectures in the view of the ranker.

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

    def deviations(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Deviations of the logarithms of these predictions, each ``[N]``, if known.

        Raises:
            UnknownNameError: If an architecture is not in the list.
        """
        rows = self.rows(arch_ids)
        return {name: np.asarray(v, np.float64)[rows] for name, v in self.spread.items()}

    def names(self, rows: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Architectures of rows."""
        return [self.arch_ids[row] for row in rows.tolist()]

    def describe(self) -> dict[str, object]:
        """Fingerprint for a search's store: space, seed, view, limits and the masks."""
        return {
            "space": self.space.name,
            "architectures": len(self.arch_ids),
            "seed": self.seed,
            "view": self.view,
            "network": self.network.size,
            "limits": self.limits.describe(),
            "feasible": int(self.feasible.sum()),
            "feasible_sha256": _digest(self.feasible),
            "within_sha256": _digest(self.within),
            "answerable_sha256": _digest(self.answerable),
        }


def _digest(mask: BoolArray) -> str:
    return hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()
