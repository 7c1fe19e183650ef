"""Dense graphs of DARTS architectures, vectorised over architectures.

A cell is two inputs, for each intermediate node its two operations and their sum, and the output:
15 nodes. Both cells lie side by side and meet in the global node alone, 31 nodes (BRP-NAS, Dudziak
et al., NeurIPS 2020, arXiv 2007.08668). A graph network sees a node's operation but not where it
lies, so the vocabulary holds all but inputs and outputs twice, once for each cell, and tells the
two inputs apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.graphs import BLANK, INPUT, OUTPUT, GraphBatch, with_global_node
from brpnas.spaces.darts.cell import NODES, OPERATIONS, Int64Array, node_decisions

__all__ = ["FIRST_OP", "VOCABULARY", "darts_graphs", "decisions_of"]

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
"""``input`` is the output of the last cell but one, ``previous`` that of the last cell."""
FIRST_OP: tuple[int, int] = (
    VOCABULARY.index(OPERATIONS[0]),
    VOCABULARY.index(f"reduce_{OPERATIONS[0]}"),
)
"""Node operation code of the first operation in the normal and in the reduction cell."""

_PER_CELL = 3 + 3 * NODES
_SUMS = np.array([4 + 3 * node for node in range(NODES)])
_SOURCES = np.array([0, 1, *_SUMS])
"""Place within its cell of what an edge with that input reads."""
_OUTPUT = _PER_CELL - 1
_SKIP = OPERATIONS.index("skip_connect")


def darts_graphs(numbers: Int64Array, pruned: bool) -> GraphBatch:
    """Graphs of architectures.

    Args:
        numbers: Cases of the eight nodes, shape ``[N, 8]``.
        pruned: Bypass `skip_connect` where it is the identity. In the reduction cell an operation
            that reads an input of the cell halves the image, and so does a skip: that one is a
            factorised reduction and stays. Nothing else is dead, as every node is in the output.

    Returns:
        ``N`` graphs of 31 nodes.
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


def decisions_of(
    ops: npt.NDArray[np.int8], adj: npt.NDArray[np.int8]
) -> list[list[tuple[int, int]]] | None:
    """Edges of the eight nodes as a raw graph of 31 nodes has them, None if it is none.

    Only what is needed is looked at: encode the result and compare, to know that all else is right.

    Returns:
        For each of the eight nodes its two edges, pairs of operation code and input.
    """
    if ops.shape != (1 + 2 * _PER_CELL,):
        return None
    found: list[list[tuple[int, int]]] = []
    for cell, first_op in enumerate(FIRST_OP):
        base = 1 + cell * _PER_CELL
        for node in range(NODES):
            edges = []
            for place in (base + 2 + 3 * node, base + 3 + 3 * node):
                sources = np.flatnonzero(adj[base + _SOURCES[: node + 2], place])
                op = int(ops[place]) - first_op
                if len(sources) != 1 or not 0 <= op < len(OPERATIONS):
                    return None
                edges.append((op, int(sources[0])))
            if edges[0][1] == edges[1][1]:
                return None
            found.append(edges)
    return found
