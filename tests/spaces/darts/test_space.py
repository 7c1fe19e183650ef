from collections import Counter

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import ArchitectureError
from brpnas.graphs import VIEWS
from brpnas.spaces import Darts
from brpnas.testing import SearchSpaceContract
from tests.spaces.darts.examples import DARTS_V2, DARTS_V2_ID
from tests.spaces.darts.slow import read


class TestContract(SearchSpaceContract):
    name = "darts"
    size = 1_076_746_950_455_072_400
    neighbours = 120


@pytest.fixture
def space():
    return Darts()


def edges(arch_id: str) -> list[tuple[int, int, str, int]]:
    return [
        (cell, node, op, source)
        for cell, nodes in enumerate(read(arch_id))
        for node, terms in enumerate(nodes)
        for op, source in terms
    ]


def test_sample_is_uniform_over_the_cases_of_every_node(space):
    decisions = space.decisions(space.sample(np.random.default_rng(4), 6000))
    for cell in range(2):
        for node in range(4):
            cases = [tuple(map(tuple, rows)) for rows in decisions[:, cell, node].tolist()]
            pairs = Counter((a[1], b[1]) for a, b in cases)
            assert len(pairs) == (node + 2) * (node + 1) // 2
            assert len(pairs) == 1 or scipy.stats.chisquare(list(pairs.values())).pvalue > 0.001
            for edge in range(2):
                ops = np.bincount(decisions[:, cell, node, edge, 0], minlength=7)
                assert scipy.stats.chisquare(ops).pvalue > 0.001


def test_sample_draws_nothing_twice_where_draws_collide(space, monkeypatch):
    """In a space of 48 the third draw mostly collides: it must be drawn again, not returned."""
    monkeypatch.setattr("brpnas.spaces.darts.space.RADICES", (2, 2, 2, 2, 3, 1, 1, 1))
    drawn = space.sample(np.random.default_rng(0), 48)
    assert len(set(drawn)) == len(drawn) == 48
    first = Counter(space.sample(np.random.default_rng(i), 2)[1] for i in range(4800))
    assert len(first) == 48
    assert scipy.stats.chisquare(list(first.values())).pvalue > 0.001


def test_mutate_changes_one_operation_or_one_input(space, rng_sample):
    rng = np.random.default_rng(5)
    kinds = Counter()
    for parent in rng_sample * 3:
        before, after = Counter(edges(parent)), Counter(edges(space.mutate(parent, rng)))
        (gone,), (new,) = (before - after).elements(), (after - before).elements()
        assert gone[:2] == new[:2]
        same_op, same_input = gone[2] == new[2], gone[3] == new[3]
        assert same_op != same_input
        kinds["input" if same_op else "operation"] += 1
    share = 24 / 120
    assert abs(kinds["input"] / 600 - share) < 4 * np.sqrt(share * (1 - share) / 600)


def test_mutate_reaches_exactly_the_neighbours(space):
    found = {space.mutate(DARTS_V2_ID, np.random.default_rng(i)) for i in range(3000)}
    assert len(found) == 120
    assert DARTS_V2_ID not in found


def test_canonical_puts_the_earlier_input_first(space):
    assert space.canonical(DARTS_V2_ID.replace("skip~0+dil3~2", "dil3~2+skip~0")) == DARTS_V2_ID


def test_read_knows_a_genotype(space):
    assert space.read(DARTS_V2) == DARTS_V2_ID
    with pytest.raises(ArchitectureError):
        space.canonical(DARTS_V2)


def test_the_published_network_is_that_of_the_paper(space):
    sizes = space.published
    assert (sizes.channels, sizes.stages * (sizes.cells_per_stage + 1) - 1) == (36, 20)
    params, flops = space.cost([DARTS_V2_ID])
    assert params.dtype == flops.dtype == np.float64
    assert params.tolist() == [3_349_342.0]  # published: 3.3 million
    assert space.cost([])[0].shape == (0,)


class TestGraph:
    def test_no_edge_counts_for_several(self, space, rng_sample):
        """A sum has a node, and the two inputs of a node differ."""
        pruned, function = space.encode(rng_sample, "pruned"), space.encode(rng_sample, "function")
        assert np.array_equal(function.adj, pruned.adj)

    @pytest.mark.parametrize("view", VIEWS)
    def test_to_graph_is_a_row_of_encode(self, space, rng_sample, view):
        graph, batch = space.to_graph(rng_sample[9], view), space.encode(rng_sample, view)
        assert np.array_equal(graph.ops, batch.ops[9])
        assert np.array_equal(graph.adj, batch.adj[9])
