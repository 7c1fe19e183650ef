"""One key for each cell: the smallest among all orders of its nodes.

The canonical key is the smallest, first by the edges, then by the operations. The benchmark
enumerated cells in this order, so the canonical graph is the published one, node for node. The
order decides which node gets the odd channel, see `brpnas.spaces.nasbench101.channels`. The search
over all orders (at most 120) is exact.

`canonical_key` takes one key, `canonical_keys` many; `brpnas.spaces.nasbench101.normalise` takes
arbitrary graphs.
"""

from __future__ import annotations

import itertools
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brpnas.spaces.nasbench101.cell import (
    LABELS,
    MAX_EDGES,
    OPERATIONS,
    KeyArray,
    edge_bit,
    pack,
    unpack,
)

__all__ = [
    "Orders",
    "canonical_key",
    "canonical_keys",
    "is_cell",
    "orders",
    "permuted_edges",
    "sources_of",
]

_LOW = 11
_BACKWARDS = np.int64(1) << 40


class Orders(NamedTuple):
    """All ``P`` orders of the inner nodes of cells of one size.

    Attributes:
        low: New edges by order and by the lowest 11 bits of the old ones, shape ``[P, 2048]``; huge
            if an edge would lead backwards.
        high: The same for the bits from 11 on, shape ``[P, 1024]``.
        codes: New code by order and old code, shape ``[P, 3 ** (nodes - 2)]``.
    """

    low: npt.NDArray[np.int64]
    high: npt.NDArray[np.int64]
    codes: npt.NDArray[np.int64]


@cache
def orders(nodes: int) -> Orders:
    """Tables of new edges and codes for each order of the inner nodes."""
    inner = nodes - 2
    pairs = [(source, target) for target in range(1, nodes) for source in range(target)]
    places = list(itertools.permutations(range(1, nodes - 1)))
    moved = np.zeros((len(places), 2 * _LOW), np.int64)
    weights = len(OPERATIONS) ** np.arange(inner)[::-1]
    labels = LABELS[nodes, : len(OPERATIONS) ** inner, :inner].astype(np.int64)
    codes = np.zeros((len(places), len(labels)), np.int64)
    for row, place in enumerate(places):
        new = (0, *place, nodes - 1)
        for bit, (source, target) in enumerate(pairs):
            forwards = new[source] < new[target]
            moved[row, bit] = 1 << edge_bit(new[source], new[target]) if forwards else _BACKWARDS
        codes[row] = labels @ weights[np.array(place, np.int64) - 1] if inner else 0
    return Orders(_subset_sums(moved[:, :_LOW]), _subset_sums(moved[:, _LOW : 2 * _LOW - 1]), codes)


def _subset_sums(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sum of the chosen columns for every choice of them, shape ``[P, 2 ** columns]``."""
    sums = np.zeros((len(values), 1), np.int64)
    for column in values.T:
        sums = np.concatenate([sums, sums + column[:, None]], axis=1)
    return sums


def permuted_edges(nodes: int, edges: npt.NDArray[np.int64], order: int) -> npt.NDArray[np.int64]:
    """Edges ``[N]`` of graphs of equal size after a reordering of nodes, a row of `orders`.

    Huge if the order is not allowed.
    """
    table = orders(nodes)
    moved: npt.NDArray[np.int64] = (
        table.low[order, edges & ((1 << _LOW) - 1)] + table.high[order, edges >> _LOW]
    )
    return moved


def is_cell(nodes: int, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether each graph is a cell: at most 9 edges, every node between input and output."""
    whole: npt.NDArray[np.bool_] = np.bitwise_count(edges) <= MAX_EDGES
    for node in range(nodes):
        into = sum(1 << edge_bit(source, node) for source in range(node))
        out = sum(1 << edge_bit(node, target) for target in range(node + 1, nodes))
        if node > 0:
            whole &= (edges & into) != 0
        if node < nodes - 1:
            whole &= (edges & out) != 0
    return whole


@lru_cache(maxsize=1 << 16)
def _best(nodes: int, edges: int) -> tuple[int, tuple[int, ...]] | None:
    """Smallest edges and the orders leading to them; None if the graph is not a cell."""
    if nodes < 2 or not is_cell(nodes, np.array([edges]))[0]:
        return None
    table = orders(nodes)
    moved = table.low[:, edges & ((1 << _LOW) - 1)] + table.high[:, edges >> _LOW]
    least = moved.min()
    return int(least), tuple(np.flatnonzero(moved == least).tolist())


def canonical_key(key: int) -> int | None:
    """Canonical key of the cell of a key; None if the graph is not a cell."""
    nodes, edges, code = key >> 32, key >> 8 & 0xFFFFFF, key & 0xFF
    found = _best(nodes, edges)
    if found is None:
        return None
    least, ways = found
    codes = orders(nodes).codes
    return pack(nodes, least, min(int(codes[way, code]) for way in ways))


def canonical_keys(keys: KeyArray) -> KeyArray:
    """Canonical key of each key, -1 if the graph is not a cell, shape ``[N]``."""
    graphs, row_of = np.unique(np.asarray(keys, np.int64) >> 8, return_inverse=True)
    by_graph = np.split(np.argsort(row_of, kind="stable"), np.cumsum(np.bincount(row_of))[:-1])
    result = np.full(len(keys), -1, np.int64)
    for graph, rows in zip(graphs.tolist(), by_graph, strict=bool(len(keys))):
        nodes = graph >> 24
        found = _best(nodes, graph & 0xFFFFFF)
        if found is not None:
            codes = orders(nodes).codes[list(found[1])][:, keys[rows] & 0xFF]
            result[rows] = pack(nodes, found[0], 0) | codes.min(axis=0)
    return result


def sources_of(key: int) -> list[int]:
    """Bits of the sources of each node of a cell."""
    nodes, edges, _ = (int(part) for part in unpack(key))
    return [edges >> edge_bit(0, node) & ((1 << node) - 1) if node else 0 for node in range(nodes)]
