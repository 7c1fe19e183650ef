"""Layered drawing of a directed acyclic graph, from left to right.

`place` is the method of Sugiyama et al. (IEEE Trans. SMC 11, 1981): nodes by their longest path
from a source, long edges cut into steps, the order in each layer by the median of the neighbours,
then heights that keep edges straight. Graphs of a hundred nodes take milliseconds.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.sparse.csgraph

__all__ = ["Placement", "components", "layers_of", "place"]

_SWEEPS = 12
_STEP_HEIGHT = 14.0
"""Height of an edge passing through a layer."""
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Point = tuple[float, float]


@dataclass(frozen=True)
class Placement:
    """Places of nodes and edges.

    Attributes:
        centres: Middle of each node.
        routes: Points of each edge, from the right of its source to the left of its target; level
            within a layer, so that it crosses no node.
        width: Total width.
        height: Total height.
    """

    centres: list[Point]
    routes: dict[tuple[int, int], list[Point]]
    width: float
    height: float


def components(adj: BoolArray) -> list[list[int]]:
    """Nodes of each connected part, in order of their first node.

    Args:
        adj: Adjacency, shape ``[V, V]``.
    """
    part_of = scipy.sparse.csgraph.connected_components(adj, directed=False)[1] if len(adj) else []
    return [np.flatnonzero(part_of == part).tolist() for part in dict.fromkeys(part_of)]


def layers_of(adj: BoolArray) -> list[int]:
    """Layer of each node: length of the longest path to it; sinks are last.

    Args:
        adj: Adjacency of a graph without cycles, shape ``[V, V]``.
    """
    layer = np.zeros(len(adj), int)
    for _ in range(len(adj)):
        layer = np.where(adj, layer[:, None] + 1, 0).max(axis=0, initial=0)
    sinks = ~adj.any(axis=1) & adj.any(axis=0)
    layer[sinks] = layer.max(initial=0)
    return [int(value) for value in layer]


def place(adj: BoolArray, widths: Sequence[float], height: float, gap: Point) -> Placement:
    """Place the nodes of one connected graph.

    Args:
        adj: Adjacency of a graph without cycles, shape ``[V, V]``.
        widths: Width of each node.
        height: Height of every node.
        gap: Room between two layers, and between two nodes of a layer.
    """
    steps = _Steps(adj, layers_of(adj))
    order = _ordered(steps)
    heights = [height if node < len(adj) else _STEP_HEIGHT for node in range(len(steps.layer))]
    y = _heights(steps, order, heights, gap[1])
    room = [max((widths[n] for n in nodes if n < len(adj)), default=0.0) for nodes in order]
    left = np.concatenate([[0.0], np.cumsum(np.array(room) + gap[0])])
    centres = [
        (float(left[layer] + room[layer] / 2), float(y[node]))
        for node, layer in enumerate(steps.layer)
    ]
    routes = {}
    for (source, target), chain in steps.chains.items():
        points = [(centres[source][0] + widths[source] / 2, centres[source][1])]
        for node in (source, *chain, target):
            start, end = left[steps.layer[node]], left[steps.layer[node]] + room[steps.layer[node]]
            points += [] if node == source else [(float(start), centres[node][1])]
            points += [] if node == target else [(float(end), centres[node][1])]
        points.append((centres[target][0] - widths[target] / 2, centres[target][1]))
        routes[source, target] = points
    bottom = max(float(y[n]) + heights[n] / 2 for n in range(len(heights)))
    return Placement(centres[: len(adj)], routes, float(left[-1] - gap[0]), bottom)


class _Steps:
    """The graph with an extra node for each layer that an edge crosses."""

    def __init__(self, adj: BoolArray, layer: list[int]) -> None:
        self.layer = list(layer)
        self.chains: dict[tuple[int, int], list[int]] = {}
        self.edges: list[tuple[int, int]] = []
        for source, target in np.argwhere(adj).tolist():
            between = range(layer[source] + 1, layer[target])
            chain = [len(self.layer) + i for i in range(len(between))]
            self.layer += between
            self.chains[source, target] = chain
            self.edges += itertools.pairwise([source, *chain, target])
        self.neighbours: dict[tuple[int, int], list[int]] = {}
        for source, target in self.edges:
            self.neighbours.setdefault((source, 1), []).append(target)
            self.neighbours.setdefault((target, -1), []).append(source)

    def of(self, node: int, side: int) -> list[int]:
        """Neighbours in the next layer (``side`` 1) or the one before (-1)."""
        return self.neighbours.get((node, side), [])


def _ordered(steps: _Steps) -> list[list[int]]:
    """Nodes of each layer from top to bottom with few crossings; the best of several sweeps."""
    count = max(steps.layer) + 1
    order = [[n for n, at in enumerate(steps.layer) if at == layer] for layer in range(count)]
    best, fewest = order, _crossings(steps, order)
    for sweep in range(_SWEEPS):
        side = -1 if sweep % 2 == 0 else 1
        order = [list(nodes) for nodes in order]
        for layer in range(count)[::-side]:
            rank = {n: i for nodes in order for i, n in enumerate(nodes)}

            def middle(node: int, rank: dict[int, int] = rank, side: int = side) -> float:
                found = [rank[other] for other in steps.of(node, side)]
                return float(np.median(found)) if found else float(rank[node])

            order[layer].sort(key=middle)
        crossings = _crossings(steps, order)
        if crossings < fewest:
            best, fewest = order, crossings
    return best


def _crossings(steps: _Steps, order: list[list[int]]) -> int:
    rank = {n: i for nodes in order for i, n in enumerate(nodes)}
    count = 0
    for (a, b), (c, d) in itertools.combinations(steps.edges, 2):
        if steps.layer[a] == steps.layer[c]:
            count += (rank[a] - rank[c]) * (rank[b] - rank[d]) < 0
    return count


def _heights(
    steps: _Steps, order: list[list[int]], heights: Sequence[float], gap: float
) -> FloatArray:
    """Height of each node's middle: near its neighbours, without overlap."""
    y = np.zeros(len(steps.layer))
    for nodes in order:
        y[nodes] = _apart(np.zeros(len(nodes)), [heights[n] for n in nodes], gap)
    for sweep in range(_SWEEPS):
        side = -1 if sweep % 2 == 0 else 1
        for nodes in order[::-side]:
            wanted = np.array([np.mean([y[o] for o in steps.of(n, side)] or [y[n]]) for n in nodes])
            y[nodes] = _apart(wanted, [heights[n] for n in nodes], gap)
    top = min(value - heights[n] / 2 for n, value in enumerate(y))
    return np.asarray(y - top)


def _apart(wanted: FloatArray, heights: Sequence[float], gap: float) -> FloatArray:
    """Heights closest to the wanted ones by least squares, with order and distances kept.

    With the distances subtracted this is isotonic regression.
    """
    half = np.array(heights) / 2
    offsets = np.concatenate([[0.0], np.cumsum(half[:-1] + half[1:] + gap)])
    return np.asarray(scipy.optimize.isotonic_regression(wanted - offsets).x + offsets, np.float64)
