"""Dense graphs of NAS-Bench-101 cells, vectorised over cells.

Operations are nodes as in the benchmark: global node, input, up to five operations, output,
padding. A canonical cell has no dead code, so all views are equal.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.graphs import BLANK, INPUT, OUTPUT, GraphBatch, with_global_node
from brpnas.spaces.nasbench101.cell import (
    LABELS,
    MAX_NODES,
    SHORT_NAMES,
    edge_bit,
    unpack,
)

__all__ = ["FIRST_OP", "VOCABULARY", "cell_graphs"]

FIRST_OP = 4
"""Node operation code of the first operation, conv3x3."""
VOCABULARY: tuple[str, ...] = ("blank", "global", "input", "output", *SHORT_NAMES)


def cell_graphs(keys: npt.ArrayLike) -> GraphBatch:
    """Graphs of 8 nodes, from keys ``[N]``."""
    nodes, edges, code = unpack(keys)
    ops = np.full((len(nodes), MAX_NODES), BLANK, np.int8)
    labels = LABELS[nodes, code]
    ops[:, 1:-1] = np.where(labels < 0, BLANK, labels + FIRST_OP)
    ops[:, 0] = INPUT
    ops[np.arange(len(nodes)), nodes - 1] = OUTPUT
    adj = np.zeros((len(nodes), MAX_NODES, MAX_NODES), np.int8)
    for target in range(1, MAX_NODES):
        for source in range(target):
            adj[:, source, target] = edges >> edge_bit(source, target) & 1
    return with_global_node(ops, adj, len(VOCABULARY))
