"""Parameters and multiply-adds of NAS-Bench-101 networks, from the keys alone.

The network is a stem, stages of equal cells at growing width with max-pooling between them, and a
linear head. Cells with equal edges share their channels, so these are computed once per graph.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from brpnas.spaces.nasbench101.canonical import sources_of
from brpnas.spaces.nasbench101.cell import LABELS, MAX_NODES, unpack
from brpnas.spaces.nasbench101.channels import node_channels
from brpnas.spaces.network import NetworkConfig

__all__ = ["cost"]

_KERNELS = (9, 1, 0)
"""Weights of each operation for a channel in and a channel out, by label."""

Int64Array = npt.NDArray[np.int64]


def cost(keys: npt.ArrayLike, config: NetworkConfig) -> tuple[Int64Array, Int64Array]:
    """Parameters and multiply-adds of cells in the macro network, each ``[N]``.

    Convolutions and the linear layer (its bias too) count as multiply-adds; normalisation, pooling
    and sums do not. Parameters are the published ``trainable_parameters``. ``keys`` are canonical.

    Raises:
        ConfigurationError: If there are fewer channels than nodes to share them.

    Examples:
        >>> from brpnas.spaces.nasbench101 import NasBench101
        >>> cost(NasBench101().keys(["output~0"]), NasBench101.published)[0].tolist()
        [882570]
    """
    nodes, _, code = unpack(keys)
    graphs, graph_of = np.unique(np.asarray(keys, np.int64) >> 8, return_inverse=True)
    fixed = np.zeros((len(graphs), 2), np.int64)
    by_label = np.zeros((len(graphs), MAX_NODES - 2, len(_KERNELS), 2), np.int64)
    for row, graph in enumerate(graphs.tolist()):
        fixed[row], by_label[row] = _graph_cost(sources_of(graph << 8), config)
    total = fixed[graph_of]
    labels = LABELS[nodes, code].astype(np.int64)
    for node in range(MAX_NODES - 2):
        there = labels[:, node] >= 0
        total += by_label[graph_of, node, labels[:, node]] * there[:, None]
    return total[:, 0], total[:, 1]


def _graph_cost(sources: list[int], config: NetworkConfig) -> tuple[Int64Array, Int64Array]:
    """Cost of everything but the operations; and of each operation on each inner node, summed."""
    last = len(sources) - 1
    fixed = np.zeros(2, np.int64)
    by_label = np.zeros((MAX_NODES - 2, len(_KERNELS), 2), np.int64)
    colours, height, width = config.input_shape
    fixed += _convolution(9, colours, config.channels, height * width)
    for count, narrow, wide, pixels in _cells(config):
        channels = node_channels(sources, narrow, wide)
        for node in range(1, last + 1):
            if sources[node] & 1:  # the input is projected
                fixed += count * _convolution(1, narrow, channels[node], pixels)
        for node in range(1, last):
            for label, weights in enumerate(_KERNELS):
                if weights:
                    here = _convolution(weights, channels[node], channels[node], pixels)
                    by_label[node - 1, label] += count * here
    head = ((config.channels << config.stages - 1) + 1) * config.classes
    return fixed + head, by_label


def _cells(config: NetworkConfig) -> Iterator[tuple[int, int, int, int]]:
    """For each kind of cell: count, channels in, channels out, pixels."""
    _, height, width = config.input_shape
    for stage in range(config.stages):
        pixels = math.ceil(height / 2**stage) * math.ceil(width / 2**stage)
        wide = config.channels << stage
        yield 1, wide // 2 if stage else wide, wide, pixels
        yield config.cells_per_stage - 1, wide, wide, pixels


def _convolution(weights: int, channels_in: int, channels_out: int, pixels: int) -> Int64Array:
    """Parameters, with those of the normalisation, and multiply-adds of one convolution."""
    count = weights * channels_in * channels_out
    return np.array([count + 2 * channels_out, count * pixels], np.int64)
