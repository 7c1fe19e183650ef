"""Any directed graph as a cell of NAS-Bench-101: dead nodes removed, the others ordered."""

from __future__ import annotations

from collections.abc import Sequence

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench101.canonical import canonical_key
from brpnas.spaces.nasbench101.cell import MAX_EDGES, MAX_NODES, OPERATIONS, edge_bit, pack

__all__ = ["normalise"]


def normalise(sources: Sequence[int], labels: Sequence[int]) -> int:
    """Canonical key of any directed graph: dead nodes removed, the others ordered.

    Args:
        sources: Bits of the sources of each node; the first node is the input, the last one the
            output.
        labels: Operation label, 0 to 2, of each node; those of input and output are ignored.

    Raises:
        ArchitectureError: If no cell is left, or it is too large; gives the reason, without its
            name.
    """
    order, last = _topological(sources), len(sources) - 1
    fed, wanted = 1, 1 << last
    for node in order:
        fed |= bool(sources[node] & fed) << node
    for node in reversed(order):
        wanted |= sources[node] * (wanted >> node & 1)
    live = [node for node in order if (fed & wanted) >> node & 1]
    if not live or not (fed & wanted) >> last & 1:
        raise ArchitectureError(f"no path leads from its node 0 to its node {last}")
    bits = count = 0
    for place, node in enumerate(live):
        for before, source in enumerate(live[:place]):
            if sources[node] >> source & 1:
                bits |= 1 << edge_bit(before, place)
                count += 1
    if len(live) > MAX_NODES:
        raise ArchitectureError(
            f"it has {len(live)} nodes between input and output, both included, and at most "
            f"{MAX_NODES} are allowed"
        )
    if count > MAX_EDGES:
        raise ArchitectureError(f"it has {count} edges and at most {MAX_EDGES} are allowed")
    code = 0
    for node in live[1:-1]:
        code = code * len(OPERATIONS) + labels[node]
    key = canonical_key(pack(len(live), bits, code))
    assert key is not None  # pruned and small enough, it is a cell
    return key


def _topological(sources: Sequence[int]) -> list[int]:
    """Nodes in topological order."""
    order: list[int] = []
    left, done = list(range(len(sources))), 0
    while left:
        waiting = []
        for node in left:
            if sources[node] & ~done:
                waiting.append(node)
            else:
                order.append(node)
                done |= 1 << node
        if len(waiting) == len(left):
            raise ArchitectureError(f"the edges of its nodes {waiting} form a cycle")
        left = waiting
    return order
