"""The contract of a search space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from brpnas.graphs import VIEWS, GraphBatch, SpaceGraphs, View

__all__ = ["SearchSpace"]


class SearchSpace(ABC):
    """A finite set of architectures, each named by a canonical string, its ``arch_id``.

    A space is stateless and deterministic: the same generator draws the same architectures, and
    `enumerate` always yields the same order. Everything that knows operations, strings or
    graph layouts of a space lives behind this class; no other module asks for a space's name.
    """

    name: str
    """Name by which configuration and tables refer to the space."""
    vocabulary: tuple[str, ...]
    """Name of each node operation code; the first four are blank, global, input, output."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of architectures."""

    @abstractmethod
    def enumerate(self) -> list[str]:
        """Every ``arch_id``, in the space's fixed order."""

    @abstractmethod
    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draw ``count`` different architectures uniformly.

        Raises:
            BudgetError: If the space holds fewer.
        """

    @abstractmethod
    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Change one decision of an architecture to another value, drawn uniformly.

        Raises:
            ArchitectureError: If the string is not an architecture of the space.
        """

    @abstractmethod
    def canonical(self, text: str) -> str:
        """Return the ``arch_id`` that a string means.

        Raises:
            ArchitectureError: If it means none; says what is wrong with it.
        """

    def read(self, notation: str) -> str:
        """Return the ``arch_id`` that any notation of an architecture means.

        For what people write: a file of latencies, an argument. A space that has notations besides
        its canonical string overrides this; by default there is no other.

        Raises:
            ArchitectureError: If it means none; says what is wrong with it.
        """
        return self.canonical(notation)

    @abstractmethod
    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """Graphs of architectures in one view, with global node and self-loops."""

    @abstractmethod
    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """Ids that are equal exactly for architectures that compute the same function."""

    def graphs(self) -> SpaceGraphs:
        """The whole space in both views."""
        arch_ids = self.enumerate()
        return SpaceGraphs(
            self.name, tuple(arch_ids), {view: self.encode(arch_ids, view) for view in VIEWS}
        )
