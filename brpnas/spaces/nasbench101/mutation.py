"""Neighbours of a cell of NAS-Bench-101: all cells one change away.

A change is one of these, followed by the removal of dead nodes:

- one operation becomes another;
- one edge is added or removed;
- one node is added, between two nodes and with any operation.

The benchmark mutates a matrix of seven nodes, and an edge can revive its dead ones (Ying et al.,
ICML 2019, arXiv 1902.09635, after Real et al., arXiv 1802.01548). Canonical cells have no dead
nodes, so adding a node is a separate change: the inverse of removing its last edge.
"""

from __future__ import annotations

from functools import lru_cache

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench101.canonical import sources_of
from brpnas.spaces.nasbench101.cell import MAX_EDGES, MAX_NODES, OPERATIONS, labels_of
from brpnas.spaces.nasbench101.normalise import normalise

__all__ = ["neighbours"]


@lru_cache(maxsize=1 << 12)
def neighbours(key: int) -> tuple[int, ...]:
    """Canonical keys of all cells one change away, ascending, without the cell itself."""
    sources, labels = sources_of(key), [0, *labels_of(key), 0]
    found = set()
    for changed in (
        *_relabelled(sources, labels),
        *_rewired(sources, labels),
        *_with_new_node(sources, labels),
    ):
        try:
            found.add(normalise(*changed))
        except ArchitectureError:  # too many edges, or no path is left
            continue
    return tuple(sorted(found - {key}))


Graph = tuple[list[int], list[int]]


def _relabelled(sources: list[int], labels: list[int]) -> list[Graph]:
    return [
        (sources, [*labels[:node], label, *labels[node + 1 :]])
        for node in range(1, len(labels) - 1)
        for label in range(len(OPERATIONS))
        if label != labels[node]
    ]


def _rewired(sources: list[int], labels: list[int]) -> list[Graph]:
    """Toggle every pair of nodes in both directions; cycles are refused later."""
    nodes = range(len(sources))
    full = sum(mask.bit_count() for mask in sources) >= MAX_EDGES
    return [
        ([*sources[:target], sources[target] ^ 1 << source, *sources[target + 1 :]], labels)
        for target in nodes[1:]
        for source in nodes[:-1]
        if source != target and not (full and not sources[target] >> source & 1)
    ]


def _with_new_node(sources: list[int], labels: list[int]) -> list[Graph]:
    """Add a node, last but one, between any two nodes."""
    size = len(sources)
    if size >= MAX_NODES or sum(mask.bit_count() for mask in sources) + 2 > MAX_EDGES:
        return []
    new, out = size - 1, size
    # The output moves from `new` to `out`; no other node is fed by it.
    return [
        (
            [
                *(
                    mask | (1 << new if node == target else 0)
                    for node, mask in enumerate(sources[:-1])
                ),
                1 << source,
                sources[-1] | (1 << new if target == out else 0),
            ],
            [*labels[:-1], label, 0],
        )
        for source in range(size - 1)
        for target in (*range(1, size - 1), out)
        if source != target
        for label in range(len(OPERATIONS))
    ]
