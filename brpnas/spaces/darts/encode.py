"""Dense graphs of DARTS architectures, vectorised over architectures.

A cell has 15 nodes: two inputs, two operations and a sum for each intermediate node, and the
output. Both cells meet only in the global node, 31 nodes in total (BRP-NAS, Dudziak et al., NeurIPS
2020, arXiv 2007.08668). A graph network sees the operation of a node but not its place. So each
cell has its own codes, except for inputs and outputs, and the two inputs differ.
"""

from __future__ import annotations

import numpy as np

from brpnas.graphs import BLANK, INPUT, OUTPUT, GraphBatch, with_global_node
from brpnas.spaces.darts.cell import NODES, OPERATIONS, Int64Array, node_decisions

__all__ = ["FIRST_OP", "VOCABULARY", "darts_graphs"]

VOCABULARY: tuple[str, ...] = (
    "blank",
    "global",
    "input",
    "output",
    "previous",
    "sum",
    *OPERATIONS,
    "reduce_previous",
    "reduce_sum",
    *(f"reduce_{name}" for name in OPERATIONS),
)
"""``input`` is the output of the cell before the last one, ``previous`` of the last one."""
FIRST_OP: tuple[int, int] = (
    VOCABULARY.index(OPERATIONS[0]),
    VOCABULARY.index(f"reduce_{OPERATIONS[0]}"),
)
"""Node operation code of the first operation in the normal and in the reduction cell."""

_PER_CELL = 3 + 3 * NODES
_SUMS = np.array([4 + 3 * node for node in range(NODES)])
_SOURCES = np.array([0, 1, *_SUMS])
"""Place within its cell of the node read by an edge of each input."""
_OUTPUT = _PER_CELL - 1
_SKIP = OPERATIONS.index("skip_connect")


def darts_graphs(numbers: Int64Array, pruned: bool) -> GraphBatch:
    """Graphs of 31 nodes, from the cases of the eight nodes ``[N, 8]``.

    If ``pruned``, bypass `skip_connect` where it is the identity. In the reduction cell, a skip of
    an input of the cell halves the image: it is a factorised reduction and stays. Nothing else is
    dead, since the output holds every node.
    """
    decisions = node_decisions(numbers)
    n = len(decisions)
    ops = np.zeros((n, 2, _PER_CELL), np.int8)
    adj = np.zeros((n, 2 * _PER_CELL, 2 * _PER_CELL), np.int8)
    rows = np.arange(n)
    for cell, first_op in enumerate(FIRST_OP):
        base = cell * _PER_CELL
        ops[:, cell, 0], ops[:, cell, 1], ops[:, cell, _OUTPUT] = INPUT, first_op - 2, OUTPUT
        ops[:, cell, _SUMS] = first_op - 1
        adj[:, base + _SUMS, base + _OUTPUT] = 1
        for node in range(NODES):
            for edge in range(2):
                op, source = decisions[:, cell, node, edge].T
                place, total = 2 + 3 * node + edge, base + _SUMS[node]
                feeds = base + _SOURCES[source]
                gone = (op == _SKIP) & ((cell == 0) | (source >= 2)) & pruned
                ops[:, cell, place] = np.where(gone, BLANK, op + first_op)
                adj[rows, feeds, np.where(gone, total, base + place)] = 1
                adj[~gone, base + place, total] = 1
    return with_global_node(ops.reshape(n, 2 * _PER_CELL), adj, len(VOCABULARY))
