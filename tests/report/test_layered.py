"""Placing nodes in layers, against paths walked one by one and rules a reader would expect."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from brpnas.report.layered import components, layers_of, place
from tests.seeds import first_of

HEIGHT, GAP = 30.0, (40.0, 12.0)


def adjacency(count: int, *edges: tuple[int, int]) -> npt.NDArray[np.bool_]:
    adj = np.zeros((count, count), bool)
    for edge in edges:
        adj[edge] = True
    return adj


def random_dag(seed: int, count: int = 12) -> npt.NDArray[np.bool_]:
    """Connected: each node but the first has one from before it."""
    rng = np.random.default_rng(seed)
    adj = np.triu(rng.random((count, count)) < 0.2, 1)
    for node in range(1, count):
        adj[rng.integers(node), node] = True
    shuffled = rng.permutation(count)
    return np.asarray(adj[np.ix_(shuffled, shuffled)])


def longest(adj: npt.NDArray[np.bool_], node: int) -> int:
    """Edges of the longest path to a node, by walking all of them."""
    return max((1 + longest(adj, int(n)) for n in np.flatnonzero(adj[:, node])), default=0)


def test_components_are_those_of_the_undirected_graph() -> None:
    adj = adjacency(7, (3, 0), (0, 5), (2, 1), (4, 2))
    assert components(adj) == [[0, 3, 5], [1, 2, 4], [6]]
    assert components(adjacency(0)) == []


@pytest.mark.parametrize("seed", first_of(range(10)))
def test_a_layer_is_the_longest_path_and_ends_are_last(seed: int) -> None:
    adj = random_dag(seed)
    layers = layers_of(adj)
    for node, layer in enumerate(layers):
        ends = not adj[node].any() and adj[:, node].any()
        assert layer == (max(layers) if ends else longest(adj, node))
    assert all(layers[i] < layers[j] for i, j in np.argwhere(adj))


@pytest.mark.parametrize("seed", first_of(range(10)))
def test_nodes_lie_inside_and_apart_and_edges_go_right(seed: int) -> None:
    adj = random_dag(seed)
    widths = np.random.default_rng(seed).uniform(20, 120, len(adj)).tolist()
    placed = place(adj, widths, HEIGHT, GAP)
    boxes = [
        (x - w / 2, y - HEIGHT / 2, x + w / 2, y + HEIGHT / 2)
        for (x, y), w in zip(placed.centres, widths, strict=True)
    ]
    for left, top, right, bottom in boxes:
        assert left >= -1e-9
        assert top >= -1e-9
        assert right <= placed.width + 1e-9
        assert bottom <= placed.height + 1e-9
    for a, b in itertools.combinations(boxes, 2):
        across = a[2] + GAP[0] <= b[0] + 1e-9 or b[2] + GAP[0] <= a[0] + 1e-9
        above = a[3] + GAP[1] <= b[1] + 1e-9 or b[3] + GAP[1] <= a[1] + 1e-9
        assert across or above
    assert set(placed.routes) == {(i, j) for i, j in np.argwhere(adj).tolist()}
    for (source, target), route in placed.routes.items():
        assert route[0] == pytest.approx((boxes[source][2], placed.centres[source][1]))
        assert route[-1] == pytest.approx((boxes[target][0], placed.centres[target][1]))
        assert all(a[0] <= b[0] + 1e-9 for a, b in itertools.pairwise(route))
        for (x1, y1), (x2, y2) in itertools.pairwise(route):
            if y1 == y2:  # level, within a layer: on no other node
                for node, (left, top, right, bottom) in enumerate(boxes):
                    if node not in (source, target) and top < y1 < bottom:
                        assert x2 <= left + 1e-9 or x1 >= right - 1e-9


def test_a_chain_is_straight() -> None:
    placed = place(adjacency(4, (0, 1), (1, 2), (2, 3)), [50.0] * 4, HEIGHT, GAP)
    assert {y for _, y in placed.centres} == {HEIGHT / 2}
    assert (placed.width, placed.height) == (4 * 50 + 3 * 40, HEIGHT)


def test_crossings_that_need_not_be_are_undone() -> None:
    """Two chains whose middles are listed in the other order than their ends."""
    adj = adjacency(6, (0, 3), (1, 2), (3, 5), (2, 4))
    adj[0, 2] = False
    joined = np.pad(adj, ((0, 1), (0, 1)))
    joined[6, [0, 1]] = True
    placed = place(joined, [10.0] * 7, HEIGHT, GAP)
    y = [centre[1] for centre in placed.centres]
    assert (y[0] < y[1]) == (y[3] < y[2]) == (y[5] < y[4])


def test_a_node_alone() -> None:
    placed = place(adjacency(1), [20.0], HEIGHT, GAP)
    assert placed.centres == [(10.0, HEIGHT / 2)]
    assert placed.routes == {}
