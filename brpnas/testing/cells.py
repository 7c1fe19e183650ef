"""Graphs for contract tests: cells of NAS-Bench-201, and the same graphs in another order."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from brpnas.graphs import GraphBatch, SpaceGraphs, View
from brpnas.predictors import TrainingConfig
from brpnas.spaces import NasBench201

__all__ = ["TINY", "all_cells", "padded", "permuted", "random_cells", "random_rows"]

TINY = TrainingConfig(hidden=8, layers=2, epochs=4, batch_size=16, patience=4)
"""Training of a fraction of a second."""


@cache
def all_cells() -> SpaceGraphs:
    """Graphs of the whole space."""
    return NasBench201().graphs()


def random_rows(count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Different random rows of `all_cells`."""
    return np.random.default_rng(seed).permutation(len(all_cells()))[:count]


def random_cells(view: View, count: int = 24, seed: int = 0) -> GraphBatch:
    """The cells of `random_rows` in one view."""
    return all_cells().view(view)[random_rows(count, seed)]


def permuted(batch: GraphBatch, seed: int = 0) -> GraphBatch:
    """The same graphs with the nodes after the global one in another order."""
    order = np.random.default_rng(seed).permutation(np.arange(1, batch.num_nodes))
    order = np.concatenate([[0], order])
    return GraphBatch(batch.ops[:, order], batch.adj[:, order][:, :, order], batch.num_ops)


def padded(batch: GraphBatch, extra: int = 3) -> GraphBatch:
    """The same graphs with blank nodes added."""
    ops = np.pad(batch.ops, ((0, 0), (0, extra)))
    adj = np.pad(batch.adj, ((0, 0), (0, extra), (0, extra)))
    return GraphBatch(ops, adj, batch.num_ops)
