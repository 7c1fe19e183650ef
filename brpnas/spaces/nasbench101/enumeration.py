"""All 423,624 cells of NAS-Bench-101, from the definition of the space alone.

`all_keys` goes through every upper triangular matrix of 2 to 7 nodes. It keeps cells in their
smallest order, then the smallest labels under the symmetries of each. Equality is exact: no hash
can collide.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from brpnas.spaces.nasbench101.canonical import is_cell, orders, permuted_edges
from brpnas.spaces.nasbench101.cell import MAX_NODES, OPERATIONS, KeyArray, pack

__all__ = ["SIZE", "all_keys", "graphs_of_size"]

SIZE = 423_624
"""Number of cells (Ying et al., ICML 2019, arXiv 1902.09635)."""


def graphs_of_size(nodes: int) -> npt.NDArray[np.int64]:
    """Edges of every unlabelled cell with a number of nodes, each once and canonical, ascending."""
    edges = np.arange(1 << nodes * (nodes - 1) // 2, dtype=np.int64)
    edges = edges[is_cell(nodes, edges)]
    for order in range(len(orders(nodes).codes)):
        edges = edges[permuted_edges(nodes, edges, order) >= edges]
    return edges


@cache
def all_keys() -> KeyArray:
    """Canonical key of every cell, ascending, shape ``[423624]``; read only, computed once.

    Examples:
        >>> len(all_keys())
        423624
    """
    parts = []
    for nodes in range(2, MAX_NODES + 1):
        edges = graphs_of_size(nodes)
        codes = np.arange(len(OPERATIONS) ** (nodes - 2))
        smallest = np.ones((len(edges), len(codes)), np.bool_)
        for order, moved in enumerate(orders(nodes).codes):
            symmetric = permuted_edges(nodes, edges, order) == edges
            smallest[symmetric] &= moved >= codes
        graph, code = np.nonzero(smallest)
        parts.append(pack(nodes, 0, 0) | edges[graph] << 8 | code)
    keys: KeyArray = np.concatenate(parts)
    keys.flags.writeable = False
    return keys
