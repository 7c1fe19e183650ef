"""Measured latency of known devices as features of cells.

`KnownLatency` holds the residual of the shared network for each cell of a space and each known
device; zero without a measurement. Devices of one chip share residuals invisible in the graph.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from brpnas.graphs import GraphBatch

__all__ = ["MOST_CELLS", "CellNumbers", "KnownLatency"]

MOST_CELLS = 1_000_000
"""Most numbered cells, the rows of a table of known latencies."""


class CellNumbers(nn.Module):
    """Numbers the cells of a space by the operations of their nodes in the raw view.

    Args:
        choices: Possible operations of each node, ``choices[v, op]``, shape ``[V, num_ops]``.
    """

    choices: Tensor
    ranks: Tensor
    radix: Tensor

    def __init__(self, choices: npt.NDArray[np.bool_]) -> None:
        super().__init__()
        self.register_buffer("choices", torch.from_numpy(choices))
        ranks = np.where(choices, choices.cumsum(axis=1) - 1, 0)
        sizes = choices.sum(axis=1).clip(min=1)
        radix = np.concatenate([sizes[::-1].cumprod()[::-1][1:], [1]])
        self.size = int(sizes.prod())
        self.register_buffer("ranks", torch.from_numpy(ranks.astype(np.int64)))
        self.register_buffer("radix", torch.from_numpy(radix.astype(np.int64)))

    @classmethod
    def of(cls, graphs: GraphBatch) -> CellNumbers | None:
        """Numbers for the raw view of a whole space; None if operations do not identify its cells.

        Also None for more than a million combinations of operations.
        """
        choices = np.zeros((graphs.num_nodes, graphs.num_ops), bool)
        choices[np.arange(graphs.num_nodes)[None, :], graphs.ops] = True
        if choices.sum(axis=1).astype(float).prod() > MOST_CELLS:
            return None
        numbers = cls(choices)
        found = numbers(torch.from_numpy(graphs.ops.astype(np.int64)))
        return numbers if len(torch.unique(found)) == len(graphs) else None

    def forward(self, raw_ops: Tensor) -> Tensor:
        """Number of each cell, int64 ``[B]``."""
        nodes = torch.arange(raw_ops.shape[1])
        return (self.ranks[nodes[None, :], raw_ops] * self.radix).sum(dim=1)


class KnownLatency(nn.Module):
    """Residuals of measured latency to a network, looked up by cell.

    Args:
        numbers: Numbers of the cells.
        table: Residual of standardised log latency by number and device, 0 without a measurement,
            shape ``[size, devices]``.
    """

    table: Tensor
    scale: Tensor

    def __init__(self, numbers: CellNumbers, table: Tensor) -> None:
        super().__init__()
        self.numbers = numbers
        self.register_buffer("table", table)
        known = table[table != 0]
        scale = known.std() if len(known) > 1 else torch.tensor(1.0)
        self.register_buffer("scale", scale.clamp(min=1e-6))

    def forward(self, raw_ops: Tensor) -> Tensor:
        """Residuals, shape ``[B, devices]``."""
        return self.table[self.numbers(raw_ops)]
