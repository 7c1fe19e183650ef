"""NAS-Bench-101 as a `SearchSpace`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from brpnas.errors import BudgetError, UnknownNameError
from brpnas.graphs import VIEWS, GraphBatch, SpaceGraphs, View
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.nasbench101.canonical import canonical_keys
from brpnas.spaces.nasbench101.cell import KeyArray, read_key, to_string, to_strings
from brpnas.spaces.nasbench101.cost import cost
from brpnas.spaces.nasbench101.encode import VOCABULARY, cell_graphs
from brpnas.spaces.nasbench101.enumeration import SIZE, all_keys
from brpnas.spaces.nasbench101.memory import memory
from brpnas.spaces.nasbench101.mutation import neighbours
from brpnas.spaces.nasbench101.notation import read_cell, read_notation
from brpnas.spaces.network import NetworkConfig

if TYPE_CHECKING:
    from torch import nn

__all__ = ["NasBench101"]


class NasBench101(SearchSpace):
    """The 423,624 cells of NAS-Bench-101 (Ying et al., ICML 2019, arXiv 1902.09635).

    The ``arch_id`` names each node after the input with its sources, see
    `brpnas.spaces.nasbench101.cell`; no two are the same graph. A cell has no dead code, so all
    views are equal. `enumerate` follows the order of the benchmark: by nodes, edges, operations.

    Code for the whole space should use keys, one integer each, instead of strings: `keys`, and
    `brpnas.spaces.nasbench101.all_keys`.

    Examples:
        >>> space = NasBench101()
        >>> space.canonical("maxpool3x3~0|conv3x3~0|output~12")
        'conv3x3~0|maxpool3x3~0|output~12'
        >>> space.mutate("output~0", np.random.default_rng(0))
        'maxpool3x3~0|output~01'
    """

    name = "nasbench101"
    published = NetworkConfig(channels=128, cells_per_stage=3, stages=3)
    vocabulary = VOCABULARY

    def __len__(self) -> int:
        return SIZE

    def enumerate(self) -> list[str]:
        """Every ``arch_id``, by nodes, edges and operations."""
        return to_strings(all_keys())

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draw ``count`` different cells uniformly."""
        if not 0 <= count <= len(self):
            raise BudgetError(
                f"Cannot draw {count} different cells from the {len(self)} of {self.name}."
            )
        return to_strings(all_keys()[rng.choice(len(self), size=count, replace=False)])

    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Change an operation or an edge, or add a node: uniform over the resulting cells.

        See `brpnas.spaces.nasbench101.mutation`.
        """
        near = neighbours(read_cell(arch_id))
        return to_string(near[int(rng.integers(len(near)))])

    def canonical(self, text: str) -> str:
        """Return the ``arch_id``: dead nodes removed, the others in the canonical order."""
        return to_string(read_cell(text))

    def read(self, notation: str) -> str:
        """Return the ``arch_id`` of a string, a published matrix with operations, or a hash.

        See `brpnas.spaces.nasbench101.read_notation`.
        """
        return to_string(read_notation(notation))

    def keys(self, arch_ids: Sequence[str]) -> KeyArray:
        """Canonical key of each cell, shape ``[N]``.

        Raises:
            ArchitectureError: If a string is not an architecture of the space.
        """
        read = np.array([read_key(arch_id) or 0 for arch_id in arch_ids], np.int64)
        keys = canonical_keys(read)
        for row in np.flatnonzero(keys < 0).tolist():
            keys[row] = read_cell(arch_ids[row])
        return keys

    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """Graphs of 8 nodes, shape ``[N, 8]`` and ``[N, 8, 8]``, the same in all views."""
        if view not in VIEWS:
            raise UnknownNameError("view", view, VIEWS)
        return cell_graphs(self.keys(arch_ids))

    def graphs(self, arch_ids: Sequence[str] | None = None) -> SpaceGraphs:
        """Some architectures, or the whole space; all views are one and the same batch."""
        keys = all_keys() if arch_ids is None else self.keys(arch_ids)
        names = to_strings(keys) if arch_ids is None else arch_ids
        return SpaceGraphs(self.name, tuple(names), dict.fromkeys(VIEWS, cell_graphs(keys)))

    def build(self, arch_id: str, config: NetworkConfig | None = None) -> nn.Module:
        """Network of a cell, see `brpnas.spaces.nasbench101.build`."""
        from brpnas.spaces.nasbench101.build import build_network  # noqa: PLC0415 - needs torch

        return build_network(arch_id, config)

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Parameters and multiply-adds, see `brpnas.spaces.nasbench101.cost`."""
        params, flops = cost(self.keys(arch_ids), config or self.published)
        return params.astype(np.float64), flops.astype(np.float64)

    def memory(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Bytes of file and activations, see `brpnas.spaces.nasbench101.memory`."""
        return memory(self.keys(arch_ids), config or self.published)

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """The canonical ``arch_id`` itself: different cells are different functions."""
        return to_strings(self.keys(arch_ids))
