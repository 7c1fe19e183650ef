"""NAS-Bench-201 as a search space."""

import numpy as np
import pytest

from brpnas.graphs import VIEWS
from brpnas.spaces.nasbench201 import NasBench201, from_string, to_string
from brpnas.testing import SearchSpaceContract


class TestContract(SearchSpaceContract):
    name = "nasbench201"
    size = 15_625
    neighbours = 24  # six edges, four other operations each


@pytest.fixture(scope="module")
def space():
    return NasBench201()


@pytest.fixture(scope="module")
def everything(space):
    return space.enumerate()


def test_enumerates_in_the_order_of_the_codes(space, everything):
    numbers = space.codes(everything).astype(int) @ 5 ** np.arange(5, -1, -1)
    assert np.array_equal(numbers, np.arange(15_625))


def test_6466_isomorphism_ids(space, everything):
    ids = space.isomorphism_ids(everything)
    assert len(ids) == 15_625
    assert len(set(ids)) == 6_466


def test_sample_uses_every_operation_on_every_edge_alike(space):
    codes = space.codes(space.sample(np.random.default_rng(4), 5_000))
    shares = np.stack([(codes == op).mean(axis=0) for op in range(5)])
    assert np.abs(shares - 0.2).max() < 0.02


def test_mutate_changes_exactly_one_edge(space, everything):
    rng = np.random.default_rng(5)
    parents = everything[::31]
    children = [space.mutate(arch_id, rng) for arch_id in parents]
    changed = space.codes(parents) != space.codes(children)
    assert (changed.sum(axis=1) == 1).all()
    assert (changed.sum(axis=0) > 0).all()


def test_mutate_reaches_every_neighbour(space):
    parent = (0, 1, 2, 3, 4, 0)
    neighbours = {
        to_string((*parent[:edge], code, *parent[edge + 1 :]))
        for edge in range(6)
        for code in range(5)
        if code != parent[edge]
    }
    rng = np.random.default_rng(6)
    assert {space.mutate(to_string(parent), rng) for _ in range(600)} == neighbours


def test_codes(space, everything):
    codes = space.codes(everything[7::1001])
    assert codes.dtype == np.int8
    assert [tuple(row) for row in codes.tolist()] == [from_string(a) for a in everything[7::1001]]
    assert space.codes([]).shape == (0, 6)


class TestGraph:
    @pytest.mark.parametrize("view", VIEWS)
    def test_to_graph_is_a_row_of_encode(self, space, everything, view):
        graph, batch = space.to_graph(everything[9876], view), space.encode(everything, view)
        assert np.array_equal(graph.ops, batch.ops[9876])
        assert np.array_equal(graph.adj, batch.adj[9876])
