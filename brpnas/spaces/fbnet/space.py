"""The space of FBNet as a `SearchSpace`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import numpy.typing as npt

from brpnas.errors import BudgetError, UnknownNameError
from brpnas.graphs import VIEWS, GraphBatch, View
from brpnas.spaces.base import SearchSpace
from brpnas.spaces.fbnet.blocks import (
    BLOCKS,
    LAYERS,
    Int8Array,
    block_codes,
    skips_last,
    to_strings,
)
from brpnas.spaces.fbnet.cost import cost
from brpnas.spaces.fbnet.encode import VOCABULARY, fbnet_graphs
from brpnas.spaces.fbnet.memory import memory
from brpnas.spaces.fbnet.notation import read_notation
from brpnas.spaces.fbnet.plan import PUBLISHED
from brpnas.spaces.network import NetworkConfig

if TYPE_CHECKING:
    from torch import nn

__all__ = ["FbNet"]


class FbNet(SearchSpace):
    """Mobile networks of FBNet (Wu et al., CVPR 2019, arXiv 1812.03443).

    22 layers, each one of nine blocks: about 9.85e20 architectures, too many to list and for `len`;
    `brpnas.spaces.size_of` counts them. The ``arch_id`` names the blocks in their order; `read`
    also knows the lists of published tables.

    The space decides the numbers of stages and layers, so ``cells_per_stage`` and ``stages`` of a
    network are always the published ones; ``channels`` scale all widths. Images may have any size.

    Examples:
        >>> space = FbNet()
        >>> space.sample(np.random.default_rng(0), 1)[0].count("-")
        21
    """

    name = "fbnet"
    vocabulary = VOCABULARY
    enumerable: ClassVar[bool] = False
    published: ClassVar[NetworkConfig] = PUBLISHED

    def __len__(self) -> int:
        return int(len(BLOCKS) ** LAYERS)

    def enumerate(self) -> list[str]:
        """Raise BudgetError: there are too many."""
        raise BudgetError(
            f"The {self.__len__():,} architectures of {self.name} cannot be listed: draw some with "
            "`sample`."
        )

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draw ``count`` different architectures uniformly."""
        if not 0 <= count <= self.__len__():
            raise BudgetError(
                f"Cannot draw {count} different architectures from the {self.__len__()} of "
                f"{self.name}."
            )
        drawn: dict[tuple[int, ...], None] = {}
        while len(drawn) < count:
            rows = rng.integers(len(BLOCKS), size=(count - len(drawn), LAYERS))
            drawn.update(dict.fromkeys(map(tuple, rows.tolist())))
        return to_strings(np.array(list(drawn), np.int8).reshape(-1, LAYERS))

    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Change the block of one layer, both drawn uniformly."""
        codes = block_codes([arch_id])
        layer = int(rng.integers(LAYERS))
        codes[0, layer] = (codes[0, layer] + int(rng.integers(1, len(BLOCKS)))) % len(BLOCKS)
        return to_strings(codes)[0]

    def recombine(self, first: str, second: str, rng: np.random.Generator) -> str:
        """Take the block of each layer from either architecture."""
        parents = block_codes([first, second])
        choice = rng.integers(2, size=LAYERS)
        return to_strings(parents[choice, np.arange(LAYERS)][None])[0]

    def canonical(self, text: str) -> str:
        """Return the ``arch_id``: a well-formed string without outer blanks."""
        return to_strings(block_codes([text]))[0]

    def read(self, notation: str) -> str:
        """Return the ``arch_id`` of a string, or of a list of names or of published codes.

        See `brpnas.spaces.fbnet.read_notation`.
        """
        return read_notation(notation)

    def codes(self, arch_ids: Sequence[str]) -> Int8Array:
        """Codes of the blocks, shape ``[N, 22]``, see `brpnas.spaces.fbnet.BLOCKS`."""
        return block_codes(arch_ids)

    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """Graphs of 25 nodes, shape ``[N, 25]`` and ``[N, 25, 25]``.

        Blocks form a chain, so no edge merges several paths: the view ``function`` is the pruned
        one.
        """
        if view not in VIEWS:
            raise UnknownNameError("view", view, VIEWS)
        return fbnet_graphs(block_codes(arch_ids), view != "raw")

    def build(self, arch_id: str, config: NetworkConfig | None = None) -> nn.Module:
        """Network of an architecture, see `brpnas.spaces.fbnet.build`."""
        from brpnas.spaces.fbnet.build import build_network  # noqa: PLC0415 - needs torch

        return build_network(arch_id, config)

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Parameters and multiply-adds, see `brpnas.spaces.fbnet.cost`."""
        params, flops = cost(block_codes(arch_ids), config or self.published)
        return params.astype(np.float64), flops.astype(np.float64)

    def memory(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Bytes of file and activations, see `brpnas.spaces.fbnet.memory`."""
        return memory(block_codes(arch_ids), config or self.published)

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """The ``arch_id`` with skips behind the other blocks of their stage."""
        return to_strings(skips_last(block_codes(arch_ids)))
