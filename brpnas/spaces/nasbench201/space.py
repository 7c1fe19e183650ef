"""NAS-Bench-201 as a `SearchSpace`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from brpnas.errors import BudgetError, UnknownNameError
from brpnas.graphs import BLANK, VIEWS, GraphBatch, View
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS, from_string, to_string
from brpnas.spaces.nasbench201.cost import cost
from brpnas.spaces.nasbench201.encode import (
    VOCABULARY,
    function_graphs,
    pruned_graphs,
    raw_graphs,
)
from brpnas.spaces.nasbench201.isomorphism import expression
from brpnas.spaces.nasbench201.memory import memory
from brpnas.spaces.nasbench201.naslib import NASLIB
from brpnas.spaces.nasbench201.notation import read_notation
from brpnas.spaces.network import NetworkConfig

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NasBench201"]


class NasBench201(SearchSpace):
    """The 15,625 cells of NAS-Bench-201 (Dong & Yang, ICLR 2020, arXiv 2001.00326).

    The ``arch_id`` is the benchmark's own architecture string. `enumerate` counts the operation
    codes upwards, the last edge fastest; the index of the published files is shuffled instead.

    Examples:
        >>> space = NasBench201()
        >>> len(space)
        15625
        >>> space.mutate(space.enumerate()[0], np.random.default_rng(0)) in space.enumerate()
        True
    """

    name = "nasbench201"
    vocabulary = VOCABULARY
    notations = (NASLIB,)

    def __len__(self) -> int:
        return int(len(OPERATIONS) ** len(EDGES))

    def enumerate(self) -> list[str]:
        """Every ``arch_id`` in order of its operation codes."""
        return [to_string(c) for c in itertools.product(range(len(OPERATIONS)), repeat=len(EDGES))]

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draw ``count`` different cells uniformly."""
        if not 0 <= count <= len(self):
            raise BudgetError(
                f"Cannot draw {count} different cells from the {len(self)} of {self.name}."
            )
        numbers = rng.choice(len(self), size=count, replace=False)
        shape = (len(OPERATIONS),) * len(EDGES)
        return [to_string(codes) for codes in np.stack(np.unravel_index(numbers, shape), axis=1)]

    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Change the operation of one edge, both drawn uniformly."""
        codes = list(from_string(arch_id))
        edge = int(rng.integers(len(EDGES)))
        codes[edge] = (codes[edge] + int(rng.integers(1, len(OPERATIONS)))) % len(OPERATIONS)
        return to_string(codes)

    def recombine(self, first: str, second: str, rng: np.random.Generator) -> str:
        """Take the operation of each edge from either cell."""
        parents = np.array([from_string(first), from_string(second)])
        choice = rng.integers(2, size=len(EDGES))
        return to_string(parents[choice, np.arange(len(EDGES))].tolist())

    def canonical(self, text: str) -> str:
        """Return the ``arch_id``: a well-formed string without outer blanks."""
        return to_string(from_string(text))

    def read(self, notation: str) -> str:
        """Return the ``arch_id`` of a string, six operation codes or names, or a published index.

        See `brpnas.spaces.nasbench201.read_notation`.
        """
        return read_notation(notation)

    def codes(self, arch_ids: Sequence[str]) -> npt.NDArray[np.int8]:
        """Operation codes of cells, shape ``[N, 6]``."""
        return np.array([from_string(a) for a in arch_ids], np.int8).reshape(-1, len(EDGES))

    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """Graphs of 9 nodes, shape ``[N, 9]`` and ``[N, 9, 9]``."""
        if view not in VIEWS:
            raise UnknownNameError("view", view, VIEWS)
        make = {"raw": raw_graphs, "pruned": pruned_graphs, "function": function_graphs}[view]
        return make(self.codes(arch_ids))

    def build(self, arch_id: str, config: NetworkConfig | None = None) -> nn.Module:
        """Network of a cell, see `brpnas.spaces.nasbench201.build`."""
        from brpnas.spaces.nasbench201.build import build_network  # noqa: PLC0415 - needs torch

        return build_network(arch_id, config)

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Parameters and multiply-adds, see `brpnas.spaces.nasbench201.cost`.

        Multiply-adds are NaN for images that are not square.
        """
        sizes = config or self.published
        colours, height, width = sizes.input_shape
        codes = self.codes(arch_ids)
        if not sizes.executes_dead_ops:
            # The view lacks skip connections too, but they cost nothing.
            codes = codes * (self.encode(arch_ids, "pruned").ops[:, 2:-1] != BLANK)
        counted = cost(
            codes,
            sizes.channels,
            sizes.cells_per_stage,
            sizes.classes,
            height,
            sizes.stages,
            colours,
        )
        flops = counted[1].astype(np.float64)
        return counted[0].astype(np.float64), flops if height == width else flops * np.nan

    def memory(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Bytes of file and activations, see `brpnas.spaces.nasbench201.memory`."""
        return memory(self.codes(arch_ids), config or self.published)

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """Canonical expression of each cell; 6,466 different ones in the space."""
        return [expression(from_string(a)) for a in arch_ids]
