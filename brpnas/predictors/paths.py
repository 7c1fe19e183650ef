"""Features of graphs from their paths: the sequences of operations from input to output.

`PathFeatures` learns its columns from some graphs and describes others by them: counts of sequences
of operations (the path encoding of BANANAS, White et al., AAAI 2021, arXiv 1910.11858, with
counts), counts of pairs of connected operations, and statistics of paths and operations. A kernel
on them needs far fewer graphs than a graph network. Use the view ``function``: its paths are those
of the computed function. `find_paths` lists the paths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brpnas.graphs import BLANK, GLOBAL, INPUT, OUTPUT, GraphBatch, Int8Array

__all__ = ["PathFeatures", "Paths", "find_paths"]

FloatArray = npt.NDArray[np.float64]
_BASE = np.uint64(1_000_003)
_CHUNK = 8192
_COUNTED = ("sequences", "pairs")
_LEAST_SPREAD = 0.3
"""Added to the spread of a count, so rare columns weigh little."""


@dataclass(frozen=True, eq=False)
class Paths:
    """All paths of a batch of graphs from a node without predecessor to one without successor.

    A path over edges with counts is repeated as often.

    Attributes:
        graph: Row of the graph of each path, shape ``[P]``, ascending.
        code: Code of its sequence of operations, shape ``[P]``.
        ops: Count of each operation on it, shape ``[P, num_ops]``; blank and global never.
    """

    graph: npt.NDArray[np.int64]
    code: npt.NDArray[np.uint64]
    ops: npt.NDArray[np.int8]


def find_paths(graphs: GraphBatch) -> Paths:
    """Follow all paths of all graphs side by side, one edge a step.

    The global node and self-loops are left out. The code of a sequence is a polynomial of its
    operations modulo 2^64.
    """
    inner = _inner_edges(graphs)
    used = (graphs.ops != BLANK) & (graphs.ops != GLOBAL)
    ends = used & ~inner.any(axis=2)
    row, node = np.nonzero(used & ~inner.any(axis=1))
    code = np.zeros(len(row), np.uint64)
    counts = np.zeros((len(row), graphs.num_ops), np.int8)
    times = np.ones(len(row), np.int64)
    found = [(row[:0], code[:0], counts[:0], times[:0])]
    while len(row):
        op = graphs.ops[row, node]
        code = code * _BASE + op.astype(np.uint64) + np.uint64(1)
        counts[np.arange(len(row)), op] += 1
        done = ends[row, node]
        found.append((row[done], code[done], counts[done], times[done]))
        parent, following = np.nonzero(inner[row, node])
        times = times[parent] * inner[row[parent], node[parent], following]
        row, node, code, counts = row[parent], following, code[parent], counts[parent]
    rows, codes, ops, often = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(rows, kind="stable")
    order = np.repeat(order, often[order])
    return Paths(rows[order], codes[order], ops[order])


class PathFeatures:
    """Describes graphs by groups of columns, scaled on the fitted graphs.

    The groups, see `groups`, are counts of each known sequence of operations from input to output,
    with one column for all unknown ones; counts of each pair of connected operations; counts of
    each operation; edges, paths and the degrees of input and output; and mean, minimum and maximum
    over paths of their length and of each operation. A column of counts is divided by its spread,
    the others are standardised. The columns of a group are divided by the square root of their
    number, so groups have equal size.

    Args:
        graphs: Graphs to learn sequences and scales from, in the view ``function``.
    """

    groups = ("sequences", "pairs", "operations", "shape", "length", "mean", "least", "most")
    """Names of the groups, in order."""

    def __init__(self, graphs: GraphBatch) -> None:
        paths = find_paths(graphs)
        self._codes = np.unique(paths.code)
        present = np.flatnonzero(np.isin(np.arange(graphs.num_ops), graphs.ops))
        self._kinds = present[present > GLOBAL]
        self._offsets, self._scales = [], []
        for name, columns in zip(self.groups, self._columns(graphs, paths), strict=True):
            spread = columns.std(axis=0)
            if name in _COUNTED:
                offset, scale = np.zeros_like(spread), spread + _LEAST_SPREAD
            else:
                offset, scale = columns.mean(axis=0), np.where(spread > 0, spread, np.inf)
            self._offsets.append(offset)
            self._scales.append(scale * np.sqrt(len(scale)))

    def __call__(self, graphs: GraphBatch) -> list[FloatArray]:
        """Columns of each group, ``[N, width]`` of each."""
        chunks = [
            self._columns(part, find_paths(part))
            for part in (graphs[i : i + _CHUNK] for i in range(0, max(len(graphs), 1), _CHUNK))
        ]
        return [
            (np.concatenate(parts) - offset) / scale
            for parts, offset, scale in zip(
                zip(*chunks, strict=True), self._offsets, self._scales, strict=True
            )
        ]

    def _columns(self, graphs: GraphBatch, paths: Paths) -> list[FloatArray]:
        n = len(graphs)
        inner = _inner_edges(graphs).astype(np.float32)
        kinds = (graphs.ops[:, :, None] == self._kinds).astype(np.float32)
        pairs = np.swapaxes(kinds, 1, 2) @ inner @ kinds
        ways = np.bincount(paths.graph, minlength=n).astype(np.float64)
        fed = (inner.sum(axis=1) * (graphs.ops == OUTPUT)).sum(axis=1)
        feeds = (inner.sum(axis=2) * (graphs.ops == INPUT)).sum(axis=1)
        along = np.column_stack([paths.ops.sum(axis=1), paths.ops[:, self._kinds]])
        mean, least, most = _extremes(paths.graph, along.astype(np.float64), n)
        return [
            self._sequences(paths, n),
            pairs.reshape(n, len(self._kinds) ** 2).astype(np.float64),
            kinds.sum(axis=1).astype(np.float64),
            np.column_stack([inner.sum(axis=(1, 2)), ways, np.log1p(ways), fed, feeds]),
            np.column_stack([mean[:, 0], least[:, 0], most[:, 0]]),
            *(part[:, 1:] for part in (mean, least, most)),
        ]

    def _sequences(self, paths: Paths, n: int) -> FloatArray:
        known = len(self._codes)
        column = np.searchsorted(self._codes, paths.code)
        is_known = self._codes[np.minimum(column, known - 1)] == paths.code
        place = paths.graph * (known + 1) + np.where(is_known, column, known)
        counts = np.bincount(place, minlength=n * (known + 1)).reshape(n, known + 1)
        return np.asarray(counts, np.float64)


def _inner_edges(graphs: GraphBatch) -> Int8Array:
    """Adjacencies without the global node's edges and self-loops."""
    inner: Int8Array = graphs.adj * (graphs.ops != GLOBAL)[:, :, None]
    diagonal = np.arange(graphs.num_nodes)
    inner[:, diagonal, diagonal] = 0
    return inner


def _extremes(
    graph: npt.NDArray[np.int64], values: FloatArray, n: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean, minimum and maximum over the paths of each graph, zero without paths."""
    present, first, paths = np.unique(graph, return_index=True, return_counts=True)
    mean, least, most = (np.zeros((n, values.shape[1])) for _ in range(3))
    if len(present):
        mean[present] = np.add.reduceat(values, first, axis=0) / paths[:, None]
        least[present] = np.minimum.reduceat(values, first, axis=0)
        most[present] = np.maximum.reduceat(values, first, axis=0)
    return mean, least, most
