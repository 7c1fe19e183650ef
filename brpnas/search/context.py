"""What every sampler may know of its task: the space, what is feasible, and the candidate pool.

Feasibility and deduplication live here, not in the samplers: a sampler draws from
`SearchContext.unqueried`, or asks `SearchContext.is_open` about an architecture that it made up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError, InfeasibleError, UnknownNameError
from brpnas.graphs import GraphBatch, SpaceGraphs, View
from brpnas.search.history import History
from brpnas.search.seeding import generator
from brpnas.spaces import SearchSpace

__all__ = ["SearchContext"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class SearchContext:
    """A search task without its oracle. Build it with `create`; reseed with `dataclasses.replace`.

    Attributes:
        space: The search space.
        arch_ids: Its architectures, ``N`` of them.
        isomorphism_ids: Equal for architectures that compute the same function.
        graphs: Graphs of all architectures in the view that rankers see.
        feasible: Which architectures satisfy the constraints by prediction, shape ``[N]``.
        predicted: Predicted metrics by name (``latency_ms``, ...), each of shape ``[N]``.
        seed: Seed of the search.
    """

    space: SearchSpace
    arch_ids: tuple[str, ...]
    isomorphism_ids: tuple[str, ...]
    graphs: GraphBatch
    feasible: npt.NDArray[np.bool_]
    predicted: Mapping[str, npt.NDArray[np.floating[Any]]]
    seed: int

    @classmethod
    def create(
        cls,
        space: SearchSpace,
        graphs: SpaceGraphs,
        *,
        seed: int,
        view: View = "pruned",
        feasible: npt.NDArray[np.bool_] | None = None,
        predicted: Mapping[str, npt.NDArray[np.floating[Any]]] | None = None,
    ) -> SearchContext:
        """Put a task together.

        Args:
            space: The search space.
            graphs: Graphs of the whole space; their order is the order of all arrays.
            seed: Seed of the search, not negative.
            view: View that rankers see.
            feasible: Mask of shape ``[N]``, as `feasible_mask` gives it; all, if left out.
            predicted: Predicted metrics by name, each ``[N]``; they end up in the history.

        Raises:
            ConfigurationError: If a shape is not ``[N]`` or the seed is negative.
            InfeasibleError: If the mask is false everywhere.
        """
        mask = np.ones(len(graphs), np.bool_) if feasible is None else np.asarray(feasible)
        for name, values in {"feasible": mask, **(predicted or {})}.items():
            if values.shape != (len(graphs),):
                raise ConfigurationError(
                    f"{name!r} has shape {values.shape} for a space of {len(graphs)} architectures:"
                    " give one value per architecture, in the order of the graph file."
                )
        if seed < 0:
            raise ConfigurationError(f"The seed of a search must not be negative, and is {seed}.")
        if not mask.any():
            raise InfeasibleError("The feasible mask excludes every architecture of the space.")
        ids = space.isomorphism_ids(graphs.arch_ids)
        return cls(
            space, graphs.arch_ids, tuple(ids), graphs.view(view), mask, dict(predicted or {}), seed
        )

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {arch_id: row for row, arch_id in enumerate(self.arch_ids)}

    @cached_property
    def pool(self) -> IntArray:
        """Row of one feasible architecture per distinct function, in a random order of the seed.

        Where several members of a class are feasible, the seed draws which one stands for it.
        """
        rng = generator(self.seed, "pool")
        shuffled = rng.permutation(np.flatnonzero(self.feasible))
        first: dict[str, int] = {}
        for row in shuffled.tolist():
            first.setdefault(self.isomorphism_ids[row], row)
        # Large classes come early in the order of first sight; a second shuffle makes it uniform.
        return rng.permutation(np.fromiter(first.values(), np.int64, len(first)))

    def rows(self, arch_ids: Sequence[str]) -> IntArray:
        """Row of each architecture.

        Raises:
            UnknownNameError: If one is not in the space.
        """
        try:
            return np.array([self._rows[arch_id] for arch_id in arch_ids], np.int64)
        except KeyError as missing:
            raise UnknownNameError("architecture", str(missing.args[0]), ()) from None

    def isomorphism_id(self, arch_id: str) -> str:
        """Id of the function that an architecture computes."""
        return self.isomorphism_ids[int(self.rows([arch_id])[0])]

    def is_feasible(self, arch_id: str) -> bool:
        """Whether the architecture is in the space and satisfies the constraints."""
        row = self._rows.get(arch_id)
        return row is not None and bool(self.feasible[row])

    def is_open(self, arch_id: str, history: History) -> bool:
        """Whether it is feasible and no architecture of the same function has been queried."""
        return self.is_feasible(arch_id) and not history.knows(self.isomorphism_id(arch_id))

    def unqueried(self, history: History) -> IntArray:
        """Rows of the pool whose function has not been queried, in the order of the pool."""
        if not len(history):
            return self.pool
        is_new = [not history.knows(self.isomorphism_ids[row]) for row in self.pool.tolist()]
        return self.pool[np.array(is_new, np.bool_)]

    def names(self, rows: npt.NDArray[np.integer[Any]]) -> list[str]:
        """Architectures of rows."""
        return [self.arch_ids[row] for row in rows.tolist()]

    def describe(self) -> dict[str, object]:
        """What a store must hold against another task: space, seed, feasible set."""
        return {
            "space": self.space.name,
            "architectures": len(self.arch_ids),
            "seed": self.seed,
            "feasible": int(self.feasible.sum()),
            "feasible_sha256": hashlib.sha256(np.packbits(self.feasible).tobytes()).hexdigest(),
        }
