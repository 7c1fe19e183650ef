"""Cells, made-up devices and tiny settings that the tests of predictors share."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from brpnas.graphs import GraphBatch, SpaceGraphs
from brpnas.predictors import MeasuredRows, TrainingConfig
from brpnas.spaces import NasBench201
from tests.spaces.nasbench201.slow import EDGE_ORDER, live_paths

TINY = TrainingConfig(hidden=8, layers=2, epochs=4, batch_size=16, patience=4)
COST_MS = np.array([0.02, 0.1, 0.5, 1.2, 0.3])  # of none, skip, 1x1, 3x3 and pooling


@cache
def cells() -> SpaceGraphs:
    """All of NAS-Bench-201."""
    return NasBench201().graphs()


@cache
def codes() -> npt.NDArray[np.int8]:
    """Operation codes of `cells`, shape ``[15625, 6]``."""
    return NasBench201().codes(cells().arch_ids)


def rows_of(count: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Different random rows of `cells`."""
    return np.random.default_rng(seed).permutation(len(cells()))[:count]


def some(view: str, count: int = 24, seed: int = 0) -> GraphBatch:
    """Random cells in one view."""
    return cells().view(view)[rows_of(count, seed)]


def eager_ms(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Latency where every operation is executed, dead or not."""
    return 1 + COST_MS[codes()[rows]].sum(axis=1)


def compiled_ms(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Latency where only operations on a path from input to output are, and skips are free."""
    return np.array([_compiled_ms(tuple(cell)) for cell in codes()[rows].tolist()])


def _compiled_ms(cell: tuple[int, ...]) -> float:
    live = {edge for path in live_paths(cell) for edge in path}
    used = [cell[EDGE_ORDER.index(edge)] for edge in live]
    return 1 + sum(float(COST_MS[code]) for code in used if code > 1)


def split(count: int, held_out: int, seed: int = 0, device=eager_ms):
    """Measured rows of a made-up device: to train, to validate, and the rows left for a test."""
    rows = rows_of(count + held_out + 1000, seed)
    parts = np.split(rows, [count, count + held_out])
    train, valid = (MeasuredRows(part, device(part)) for part in parts[:2])
    return train, valid, parts[2]


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


def random_labels(count: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Targets that have nothing to do with the graphs."""
    return np.random.default_rng(seed).normal(size=count)


def gradients(output: Tensor, *parameters: Tensor) -> list[Tensor]:
    """Gradient of a fixed mixture of the outputs."""
    mixture = torch.linspace(-1, 2, len(output), dtype=output.dtype)
    return list(torch.autograd.grad((mixture * output).sum(), parameters))
