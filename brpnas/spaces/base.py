"""The contract of a search space."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.graphs import VIEWS, ArchGraph, GraphBatch, SpaceGraphs, View
from brpnas.spaces.network import NetworkConfig
from brpnas.spaces.notations import Notation

if TYPE_CHECKING:
    from torch import nn

__all__ = ["SearchSpace"]

FloatArray = npt.NDArray[np.float64]


class SearchSpace(ABC):
    """A finite set of architectures, each named by a canonical string, its ``arch_id``.

    A space is stateless and deterministic: the same generator draws the same architectures, and
    `enumerate` always yields the same order. Operations, strings and graph layouts of a space are
    known only to its class; no other module compares names of spaces.

    A custom space is a subclass in a file; docs/spaces.md walks through one. The abstract methods
    are enough to search it. Measuring, training and exporting networks need `build`. Constraints on
    parameters or multiply-adds, and the prior of the search, need `cost`.
    """

    name: str
    """Name in configuration and tables, see `brpnas.spaces.get_space`; set to the path of the file
    for a custom space."""
    enumerable: ClassVar[bool] = True
    """False if there are too many architectures to list: a random sample represents the space."""
    published: ClassVar[NetworkConfig] = NetworkConfig()
    """Sizes of the published network."""
    notations: ClassVar[tuple[Notation, ...]] = ()
    """Notations of other tools, read only if named, see `reader`."""
    vocabulary: tuple[str, ...]
    """Name of each node operation code; the first four are blank, global, input, output."""

    def __reduce__(self) -> tuple[Callable[[str], SearchSpace], tuple[str]]:
        """Pickle by name: other processes know the space too."""
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
            BudgetError: If the space holds fewer, or ``count`` is negative.
        """

    @abstractmethod
    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Change one decision of an architecture to another value, drawn uniformly.

        Raises:
            ArchitectureError: If the string is not an architecture of the space.
        """

    def recombine(self, first: str, second: str, rng: np.random.Generator) -> str:
        """A child of two architectures, for genetic algorithms; by default a copy of either.

        Raises:
            ArchitectureError: If a string is not an architecture of the space.
        """
        return self.canonical((first, second)[int(rng.integers(2))])

    @abstractmethod
    def canonical(self, text: str) -> str:
        """Return the ``arch_id`` of a string.

        Raises:
            ArchitectureError: If the string is not an architecture; the message says why.
        """

    def read(self, notation: str) -> str:
        """Return the ``arch_id`` of an architecture in any notation, for files and arguments.

        By default the canonical string is the only notation; a space with others overrides this.

        Raises:
            ArchitectureError: If the text is not an architecture; the message says why.
        """
        return self.canonical(notation)

    def reader(self, notation: str | None = None) -> Callable[[str], str]:
        """The function from architectures in a notation to their ``arch_id``.

        The notation is the name of one of ``notations``; None, or the name of the space, means
        `read`.

        Raises:
            UnknownNameError: If the space lacks the notation.
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

        ``function`` equals ``pruned`` if no edge of the pruned view merges several paths.

        Raises:
            UnknownNameError: If the view is unknown.
        """

    @abstractmethod
    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """Ids equal for architectures of the same function, and only for these."""

    def build(self, arch_id: str, config: NetworkConfig | None = None) -> nn.Module:
        """Network of an architecture in torch, with torch's default initial weights.

        It maps images ``[B, *config.input_shape]`` to logits ``[B, config.classes]``. The sizes are
        ``published`` by default.

        Raises:
            ArchitectureError: If the string is not an architecture of the space.
            ConfigurationError: If the space has no networks.
        """
        raise ConfigurationError(
            f"The space {self.name!r} has no networks to measure, train or export: write its "
            "method `build` (docs/spaces.md)."
        )

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Parameters and multiply-adds of ``N`` networks, not in millions, each of shape ``[N]``.

        The sizes are ``published`` by default; ``config`` also decides whether dead operations
        count. NaN where unknown.
        """
        unknown = np.full(len(arch_ids), np.nan)
        return unknown, unknown.copy()

    def memory(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Bytes of the ONNX files of ``N`` networks, and of their activations, both ``[N]``.

        Both are of the float32 network as exported, without dead operations, at batch size 1. The
        activations are the largest sum of feature maps that an operation reads or writes, or that a
        later one reads. The sizes are ``published`` by default. NaN where unknown. Write the
        operations on a `brpnas.spaces.memory.Tape`.
        """
        unknown = np.full(len(arch_ids), np.nan)
        return unknown, unknown.copy()

    def costs(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> dict[str, FloatArray]:
        """Every computed cost of ``N`` networks by the name of its metric, each of shape ``[N]``.

        ``params_m`` and ``flops_m`` are those of `cost` in millions, ``file_kib`` and
        ``activation_kib`` those of `memory` in KiB. NaN where unknown.
        """
        params, flops = self.cost(arch_ids, config)
        file, activations = self.memory(arch_ids, config)
        return {
            "params_m": params / 1e6,
            "flops_m": flops / 1e6,
            "file_kib": file / 1024,
            "activation_kib": activations / 1024,
        }

    def to_graph(self, arch_id: str, view: View = "raw") -> ArchGraph:
        """Graph of one architecture."""
        return self.encode([arch_id], view)[0]

    def listed(self, rng: np.random.Generator, count: int) -> list[str]:
        """Every architecture, or ``count`` random ones of a space that is not ``enumerable``."""
        return self.enumerate() if self.enumerable else self.sample(rng, count)

    def graphs(self, arch_ids: Sequence[str] | None = None) -> SpaceGraphs:
        """Graphs in all views of some architectures, or of the whole space by default.

        Raises:
            BudgetError: If no architectures are given and the space is not ``enumerable``.
        """
        names = self.enumerate() if arch_ids is None else list(arch_ids)
        views = {view: self.encode(names, view) for view in VIEWS}
        if np.array_equal(views["function"].adj, views["pruned"].adj):
            views["function"] = views["pruned"]
        return SpaceGraphs(self.name, tuple(names), views)
