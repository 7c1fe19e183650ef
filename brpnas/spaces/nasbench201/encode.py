"""Dense graphs of NAS-Bench-201 cells, vectorised over cells.

Operations become nodes: input, the six edges' operations in the order of the codes, output; the
global node comes first. `raw_graphs` keeps all six operations, `pruned_graphs` removes dead code,
`function_graphs` counts parallel edges as well.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.graphs import BLANK, INPUT, OUTPUT, GraphBatch, Int8Array, with_global_node
from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS

__all__ = ["FIRST_OP", "VOCABULARY", "function_graphs", "pruned_graphs", "raw_graphs"]

FIRST_OP = 4
"""Node operation code of the first cell operation, `none`."""
VOCABULARY: tuple[str, ...] = ("blank", "global", "input", "output", *OPERATIONS)

_NONE, _SKIP = 0, 1
_NUM_NODES = len(EDGES) + 2
_IN, _OUT = 0, _NUM_NODES - 1


def _line_graph() -> Int8Array:
    """Adjacency of input, six operations and output, if no edge is `none`."""
    adj = np.zeros((_NUM_NODES, _NUM_NODES), np.int8)
    for i, (source, target) in enumerate(EDGES, start=1):
        if source == 0:
            adj[_IN, i] = 1
        if target == 3:
            adj[i, _OUT] = 1
        for j, (next_source, _) in enumerate(EDGES, start=1):
            adj[i, j] = target == next_source
    return adj


_ADJACENCY = _line_graph()


def _node_ops(codes: npt.NDArray[np.integer]) -> Int8Array:
    n = len(codes)
    ends = np.full((n, 1), INPUT, np.int8), np.full((n, 1), OUTPUT, np.int8)
    return np.concatenate([ends[0], (codes + FIRST_OP).astype(np.int8), ends[1]], axis=1)


def raw_graphs(codes: npt.NDArray[np.integer]) -> GraphBatch:
    """Graphs of 9 nodes as executed without dead-code removal, from codes ``[N, 6]``.

    All have the same adjacency.
    """
    adj = np.broadcast_to(_ADJACENCY, (len(codes), _NUM_NODES, _NUM_NODES))
    return with_global_node(_node_ops(codes), adj, len(VOCABULARY))


def pruned_graphs(codes: npt.NDArray[np.integer]) -> GraphBatch:
    """Graphs of 9 nodes after dead-code removal, from codes ``[N, 6]``.

    `none` is cut, `skip_connect` bypassed, and operations on no path from input to output are
    blanked. Parallel skip paths between two nodes merge into one edge, see `function_graphs`. A
    cell without a path keeps input and output, unconnected.
    """
    graphs = function_graphs(codes)
    return GraphBatch(graphs.ops, np.minimum(graphs.adj, 1), graphs.num_ops)


def function_graphs(codes: npt.NDArray[np.integer]) -> GraphBatch:
    """Graphs of the functions of cells: `pruned_graphs` with edges that count skip paths.

    Two in a hundred cells add their input to itself. The input then doubles in every cell of the
    network and dominates all other terms. The adjacency holds 0 to 4; global node and self-loops
    hold 1.
    """
    ops = _node_ops(codes)
    adj = np.broadcast_to(_ADJACENCY, (len(codes), _NUM_NODES, _NUM_NODES)).copy()
    for node in range(1, _OUT):  # edges come in topological order, so one pass bypasses chains
        code = codes[:, node - 1]
        skip = (code == _SKIP)[:, None, None]
        adj += adj[:, :, node, None] * adj[:, None, node, :] * skip
        gone = (code == _SKIP) | (code == _NONE)
        adj[gone, node, :] = 0
        adj[gone, :, node] = 0
    from_input = np.zeros(ops.shape, np.bool_)
    to_output = np.zeros(ops.shape, np.bool_)
    from_input[:, _IN] = to_output[:, _OUT] = True
    for node in range(_NUM_NODES):
        from_input[:, node] |= (from_input & (adj[:, :, node] > 0)).any(axis=1)
    for node in reversed(range(_NUM_NODES)):
        to_output[:, node] |= (to_output & (adj[:, node, :] > 0)).any(axis=1)
    alive = from_input & to_output
    adj *= alive[:, :, None] & alive[:, None, :]
    alive[:, [_IN, _OUT]] = True
    return with_global_node(np.where(alive, ops, BLANK).astype(np.int8), adj, len(VOCABULARY))
