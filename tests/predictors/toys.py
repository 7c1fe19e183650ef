"""Shared by the tests of predictors: cells, made-up devices and tiny settings."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from brpnas.predictors import MeasuredRows
from brpnas.spaces import NasBench201
from brpnas.testing.cells import TINY, padded, permuted
from brpnas.testing.cells import all_cells as cells
from brpnas.testing.cells import random_cells as some
from brpnas.testing.cells import random_rows as rows_of
from tests.spaces.nasbench201.slow import EDGE_ORDER, live_paths

__all__ = [
    "COST_MS",
    "TINY",
    "cells",
    "codes",
    "compiled_ms",
    "eager_ms",
    "gradients",
    "padded",
    "permuted",
    "random_labels",
    "rows_of",
    "some",
    "split",
]

COST_MS = np.array([0.02, 0.1, 0.5, 1.2, 0.3])  # of none, skip, 1x1, 3x3 and pooling


@cache
def codes() -> npt.NDArray[np.int8]:
    """Operation codes of `cells`, shape ``[15625, 6]``."""
    return NasBench201().codes(cells().arch_ids)


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


def random_labels(count: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Targets independent of the graphs."""
    return np.random.default_rng(seed).normal(size=count)


def gradients(output: Tensor, *parameters: Tensor) -> list[Tensor]:
    """Gradient of a fixed mixture of the outputs."""
    mixture = torch.linspace(-1, 2, len(output), dtype=output.dtype)
    return list(torch.autograd.grad((mixture * output).sum(), parameters))
