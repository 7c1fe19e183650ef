"""The space of DARTS as a `SearchSpace`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from brpnas.errors import BudgetError, UnknownNameError
from brpnas.graphs import VIEWS, GraphBatch, View
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.darts.cell import (
    NODES,
    OPERATIONS,
    RADICES,
    node_decisions,
    node_number,
    node_numbers,
    to_strings,
)
from brpnas.spaces.darts.cost import cost
from brpnas.spaces.darts.encode import VOCABULARY, darts_graphs
from brpnas.spaces.darts.isomorphism import smallest_numbering
from brpnas.spaces.darts.memory import memory
from brpnas.spaces.darts.notation import read_notation
from brpnas.spaces.network import NetworkConfig

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Darts"]

_CHANGES = tuple(
    (node, edge, change)
    for node in range(len(RADICES))
    for edge in range(2)
    for change in range(len(OPERATIONS) - 1 + node % NODES)
)
"""Possible mutations: to another operation first, then to another input."""


class Darts(SearchSpace):
    """Normal and reduction cells of DARTS (Liu et al., ICLR 2019, arXiv 1806.09055).

    Two cells of four intermediate nodes, each the sum of two of seven operations on two different
    earlier nodes: about 1.08e18 architectures, too many to list. The ``arch_id`` names the
    operations and inputs of each node, the earlier input first; `read` also knows the published
    ``Genotype(...)``.

    A network has ``cells_per_stage`` normal cells in each stage and a reduction cell between two
    stages: the published 20 cells are three stages of six.

    Examples:
        >>> space = Darts()
        >>> len(space)
        1076746950455072400
        >>> space.sample(np.random.default_rng(0), 1)[0].startswith("normal=")
        True
    """

    name = "darts"
    vocabulary = VOCABULARY
    enumerable: ClassVar[bool] = False
    published: ClassVar[NetworkConfig] = NetworkConfig(channels=36, cells_per_stage=6, stages=3)

    def __len__(self) -> int:
        return math.prod(RADICES)

    def enumerate(self) -> list[str]:
        """Raise BudgetError: there are too many."""
        raise BudgetError(
            f"The {len(self):,} architectures of {self.name} cannot be listed: draw some with "
            "`sample`."
        )

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draw ``count`` different architectures uniformly."""
        if not 0 <= count <= len(self):
            raise BudgetError(
                f"Cannot draw {count} different architectures from the {len(self)} of {self.name}."
            )
        drawn: dict[tuple[int, ...], None] = {}
        while len(drawn) < count:
            rows = rng.integers(0, RADICES, size=(count - len(drawn), len(RADICES)))
            drawn.update(dict.fromkeys(map(tuple, rows.tolist())))
        return to_strings(np.array(list(drawn), np.int64).reshape(-1, len(RADICES)))

    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Change the operation or the input of one edge: one of 120 changes, drawn uniformly.

        An input changes to an earlier node not read by the other edge of its node.
        """
        numbers = node_numbers([arch_id])
        node, edge, change = _CHANGES[int(rng.integers(len(_CHANGES)))]
        edges = node_decisions(numbers)[0].reshape(-1, 2, 2)[node].tolist()
        op, source = edges[edge]
        if change < len(OPERATIONS) - 1:
            op = (op + 1 + change) % len(OPERATIONS)
        else:
            taken = {edges[0][1], edges[1][1]}
            others = [earlier for earlier in range(node % NODES + 2) if earlier not in taken]
            source = others[change - len(OPERATIONS) + 1]
        numbers[0, node] = node_number((op, source), tuple(edges[1 - edge]))
        return to_strings(numbers)[0]

    def canonical(self, text: str) -> str:
        """Return the ``arch_id``: without outer blanks, the earlier input of each node first."""
        return to_strings(node_numbers([text]))[0]

    def read(self, notation: str) -> str:
        """Return the ``arch_id`` of a canonical string or a published ``Genotype(...)``.

        See `brpnas.spaces.darts.read_notation`.
        """
        return read_notation(notation)

    def decisions(self, arch_ids: Sequence[str]) -> npt.NDArray[np.int8]:
        """Operation codes and inputs, shape ``[N, 2, 4, 2, 2]``, see `darts.node_decisions`."""
        return node_decisions(node_numbers(arch_ids))

    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """Graphs of 31 nodes, shape ``[N, 31]`` and ``[N, 31, 31]``.

        A node reads two different inputs and sums stay nodes, so no edge merges several paths: the
        view ``function`` is the pruned one.
        """
        if view not in VIEWS:
            raise UnknownNameError("view", view, VIEWS)
        return darts_graphs(node_numbers(arch_ids), view != "raw")

    def build(self, arch_id: str, config: NetworkConfig | None = None) -> nn.Module:
        """Network of an architecture, see `brpnas.spaces.darts.build`."""
        from brpnas.spaces.darts.build import build_network  # noqa: PLC0415 - needs torch

        return build_network(arch_id, config)

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Parameters and multiply-adds without the auxiliary head, see `darts.cost`."""
        counted = cost(self.decisions(arch_ids), config or self.published)
        return counted[0].astype(np.float64), counted[1].astype(np.float64)

    def memory(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Bytes of file and activations, see `brpnas.spaces.darts.memory`."""
        return memory(self.decisions(arch_ids), config or self.published)

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """First ``arch_id`` of each isomorphism class."""
        return to_strings(smallest_numbering(node_numbers(arch_ids)))
