"""From graph batches to torch tensors and to PyTorch Geometric data."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from torch import Tensor

from brpnas.graphs import BLANK, ArchGraph, GraphBatch

if TYPE_CHECKING:
    from torch_geometric.data import Batch, Data

__all__ = ["GraphTensors", "to_pyg", "to_pyg_batch", "to_tensors"]

GraphTensors: TypeAlias = tuple[Tensor, Tensor]
"""Operation codes, int64 ``[B, V]``, and adjacencies, float32 ``[B, V, V]``."""


def to_tensors(batch: GraphBatch) -> GraphTensors:
    """Dense tensors of a batch, the inputs of the dense networks."""
    return torch.from_numpy(batch.ops).long(), torch.from_numpy(batch.adj).float()


def to_pyg(graph: ArchGraph) -> Data:
    """One graph as a PyTorch Geometric object.

    Blank nodes are left out; the global node stays node 0. ``x`` holds the operation codes, int64
    ``[nodes]``. ``edge_index`` holds all edges, repeated by their counts.
    """
    from torch_geometric.data import Data  # noqa: PLC0415 - it takes seconds, and few need it

    kept = graph.ops != BLANK
    adj = graph.adj[kept][:, kept]
    ends = np.repeat(np.argwhere(adj), adj[adj > 0], axis=0)
    edges = torch.from_numpy(ends).T.contiguous()
    return Data(x=torch.from_numpy(graph.ops[kept]).long(), edge_index=edges)


def to_pyg_batch(batch: GraphBatch) -> Batch:
    """A batch as one disjoint union; ``ptr[:-1]`` are the global nodes."""
    from torch_geometric.data import Batch  # noqa: PLC0415

    return Batch.from_data_list([to_pyg(batch[i]) for i in range(len(batch))])
