"""The contract of a search space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.graphs import VIEWS, GraphBatch, SpaceGraphs, View
from brpnas.spaces.network import NetworkConfig
from brpnas.spaces.notations import Notation

if TYPE_CHECKING:
    from torch import nn

__all__ = ["SearchSpace"]

FloatArray = npt.NDArray[np.float64]


class SearchSpace(ABC):
    """A finite set of architectures, each named by a canonical string, its ``arch_id``.

    A space is stateless and deterministic: the same generator draws the same architectures, and
    `enumerate` always yields the same order. Everything that knows operations, strings or
    graph layouts of a space lives behind this class; no other module asks for a space's name.

    A space of one's own is a subclass in a file; docs/spaces.md walks through one. What is abstract
    here is needed to search it. `build` is needed where networks are measured, trained or
    exported, `cost` where constraints name parameters or multiply-adds, and for the prior of the
    search.
    """

    name: str
    """Name by which configuration and tables refer to the space, see `brpnas.spaces.get_space`;
    that of one's own is the path of its file, and need not be written."""
    enumerable: ClassVar[bool] = True
    """False where there are too many architectures to list them: then a sample stands for all."""
    published: ClassVar[NetworkConfig] = NetworkConfig()
    """Sizes of the network with which the space was published."""
    notations: ClassVar[tuple[Notation, ...]] = ()
    """Notations of other tools that nothing tells from those of the space, see `reader`."""
    vocabulary: tuple[str, ...]
    """Name of each node operation code; the first four are blank, global, input, output."""

    def __reduce__(self) -> tuple[Callable[[str], SearchSpace], tuple[str]]:
        """By its name, which other processes know too."""
        from brpnas.spaces.registry import get_space  # noqa: PLC0415 - it imports this module

        return get_space, (self.name,)

    @abstractmethod
    def __len__(self) -> int:
        """Number of architectures."""

    @abstractmethod
    def enumerate(self) -> list[str]:
        """Every ``arch_id``, in the space's fixed order.

        Raises:
            BudgetError: If the space is not ``enumerable``.
        """

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

    def reader(self, notation: str | None = None) -> Callable[[str], str]:
        """The function that reads architectures in a notation into their ``arch_id``.

        Args:
            notation: Name of one of ``notations``; None, or the name of the space, for `read`.

        Raises:
            UnknownNameError: If there is no such notation.
        """
        if notation in (None, self.name):
            return self.read
        named = {known.name: known.read for known in self.notations}
        if notation not in named:
            raise UnknownNameError("notation", str(notation), {self.name, *named})
        return named[notation]

    @abstractmethod
    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """Graphs of architectures in one view, with global node and self-loops.

        Where no edge of the pruned view stands for several ways, ``function`` is the same.
        """

    @abstractmethod
    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """Ids that are equal exactly for architectures that compute the same function."""

    def build(self, arch_id: str, config: NetworkConfig | None = None) -> nn.Module:
        """Network of an architecture in torch, with torch's default initial weights.

        Args:
            arch_id: The architecture.
            config: Sizes; None for ``published``.

        Returns:
            A module from images ``[B, *config.input_shape]`` to logits ``[B, config.classes]``.

        Raises:
            ArchitectureError: If the string is not an architecture of the space.
            ConfigurationError: If the space has no networks.
        """
        raise ConfigurationError(
            f"The space {self.name!r} has no networks, so that none of them can be measured, "
            "trained or exported: write its method `build` (docs/spaces.md)."
        )

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Parameters and multiply-adds of networks, NaN where the space does not know them.

        Args:
            arch_ids: Architectures, ``N`` of them.
            config: Sizes, and whether dead operations count; None for ``published``.

        Returns:
            Two arrays of shape ``[N]``, not in millions.
        """
        unknown = np.full(len(arch_ids), np.nan)
        return unknown, unknown.copy()

    def graphs(self, arch_ids: Sequence[str] | None = None) -> SpaceGraphs:
        """Some architectures in all views; the whole space, if none are named.

        Raises:
            BudgetError: If none are named and the space is not ``enumerable``.
        """
        names = self.enumerate() if arch_ids is None else list(arch_ids)
        views = {view: self.encode(names, view) for view in VIEWS}
        if np.array_equal(views["function"].adj, views["pruned"].adj):
            views["function"] = views["pruned"]
        return SpaceGraphs(self.name, tuple(names), views)
