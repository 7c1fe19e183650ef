"""Vectorised graphs against slow loops over the definition, for every cell of the space."""

import itertools

import networkx as nx
import numpy as np
import pytest

from brpnas.graphs import BLANK, INPUT, OUTPUT
from brpnas.spaces.nasbench201.encode import (
    FIRST_OP,
    VOCABULARY,
    function_graphs,
    pruned_graphs,
    raw_graphs,
)
from tests.seeds import first_of
from tests.spaces.nasbench201.slow import (
    EDGE_ORDER,
    live_paths,
    slow_function,
    slow_pruned,
    slow_raw,
)

CELLS = list(itertools.product(range(5), repeat=6))
NONE, SKIP, CONV1, CONV3, POOL = range(5)


@pytest.fixture(scope="module")
def codes():
    return np.array(CELLS, np.int8)


@pytest.fixture(scope="module")
def pruned(codes):
    return pruned_graphs(codes)


@pytest.mark.parametrize("every", first_of([6, 1]))
@pytest.mark.parametrize(
    ("vectorised", "slow"),
    [(pruned_graphs, slow_pruned), (raw_graphs, slow_raw), (function_graphs, slow_function)],
)
def test_cells_equal_the_slow_loop(codes, vectorised, slow, every):
    batch = vectorised(codes[::every])
    expected = [slow(cell) for cell in CELLS[::every]]
    assert np.array_equal(batch.ops, np.array([ops for ops, _ in expected]))
    assert np.array_equal(batch.adj, np.array([adj for _, adj in expected]))


def test_connected_cells_have_a_live_path(pruned):
    assert pruned.connected.tolist() == [bool(live_paths(cell)) for cell in CELLS]


@pytest.mark.parametrize("encode", [pruned_graphs, raw_graphs, function_graphs])
class TestEveryView:
    def test_shapes_and_vocabulary(self, encode, codes):
        batch = encode(codes[:10])
        assert (batch.ops.shape, batch.adj.shape) == ((10, 9), (10, 9, 9))
        assert batch.num_ops == len(VOCABULARY) == 9
        assert VOCABULARY[FIRST_OP:][:2] == ("none", "skip_connect")

    @pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8])
    def test_any_integer_type_and_input_untouched(self, encode, codes, dtype):
        given = codes[::97].astype(dtype)
        before = given.copy()
        assert np.array_equal(encode(given).adj, encode(codes[::97]).adj)
        assert np.array_equal(given, before)

    def test_graphs_do_not_share_memory(self, encode, codes):
        batch = encode(codes[:2])
        batch.adj[0] = 0
        assert batch.adj[1].any()
        assert encode(codes[:2]).adj[0].any()


class TestPruned:
    def test_no_dead_operation_is_left(self, pruned):
        left = set(np.unique(pruned.ops[:, 2:8]).tolist())
        assert left == {BLANK, *(FIRST_OP + code for code in (CONV1, CONV3, POOL))}

    def test_every_operation_is_on_a_path_from_input_to_output(self, pruned):
        for graph in (pruned[i] for i in range(0, len(pruned), 7)):
            inner = graph.adj[1:, 1:] - np.diag(np.diag(graph.adj[1:, 1:]))
            network = nx.from_numpy_array(inner, create_using=nx.DiGraph)
            active = set(np.flatnonzero(graph.ops[2:8] != BLANK) + 1)
            assert active <= nx.descendants(network, 0)
            assert active <= nx.ancestors(network, 7)
            assert not network.in_degree(0)
            assert not network.out_degree(7)

    def test_blanks_are_isolated(self, pruned):
        blank = pruned.ops == BLANK
        assert blank.any()
        assert not pruned.adj[blank].any()
        assert not pruned.adj.transpose(0, 2, 1)[blank].any()

    def test_341_cells_have_no_path(self, pruned):
        unreached = ~pruned.adj[:, 1, 2:].any(axis=1)
        assert unreached.sum() == 341
        assert [not live_paths(cell) for cell in CELLS] == unreached.tolist()
        assert (pruned.ops[unreached, 1:] == [INPUT, *[BLANK] * 6, OUTPUT]).all()

    def test_cells_of_live_operations_look_the_same_in_both_views(self, codes, pruned):
        busy = (codes >= CONV1).all(axis=1)
        raw = raw_graphs(codes)
        assert busy.sum() == 3**6
        assert np.array_equal(pruned.ops[busy], raw.ops[busy])
        assert np.array_equal(pruned.adj[busy], raw.adj[busy])
        same = (pruned.ops == raw.ops).all(axis=1)
        assert np.array_equal(same, busy)

    @pytest.mark.parametrize(
        ("cell", "edges"),
        [
            ((NONE,) * 6, set()),
            ((SKIP,) * 6, {(1, 8)}),
            ((NONE, NONE, NONE, CONV3, NONE, NONE), {(1, 5), (5, 8)}),
            ((SKIP, NONE, SKIP, NONE, NONE, CONV3), {(1, 7), (7, 8)}),
            ((CONV3, NONE, SKIP, NONE, NONE, SKIP), {(1, 2), (2, 8)}),
            ((CONV3, NONE, NONE, SKIP, NONE, CONV1), {(1, 8)}),
            ((CONV3, POOL, SKIP, NONE, NONE, CONV1), {(1, 2), (1, 3), (2, 7), (3, 7), (7, 8)}),
        ],
        ids=["nothing", "skips", "one", "skipped twice", "skips after", "dead ends", "join"],
    )
    def test_cells_drawn_by_hand(self, cell, edges):
        graph = pruned_graphs(np.array([cell]))[0]
        found = {(int(i), int(j)) for i, j in np.argwhere(graph.adj) if i and i != j}
        assert found == edges


def outputs_of_cells(codes, factors):
    """Outputs of cells for the number 1 if their operations multiply: skips by 1, none by 0."""
    by_edge = np.where(codes == NONE, 0, np.where(codes == SKIP, 1, factors))
    nodes = [np.ones(len(codes), np.int64)]
    for target in (1, 2, 3):
        reads = [(i, source) for i, (source, end) in enumerate(EDGE_ORDER) if end == target]
        nodes.append(sum(by_edge[:, i] * nodes[source] for i, source in reads))
    return nodes[3]


def outputs_of_graphs(batch, factors):
    """Outputs of their graphs: a node multiplies the sum of its inputs."""
    own = np.concatenate([np.ones((len(batch), 1), np.int64), factors], axis=1)
    values = np.zeros((len(batch), 8), np.int64)
    values[:, 0] = 1
    for node in range(1, 8):
        read = (values[:, :node] * batch.adj[:, 1 : node + 1, node + 1]).sum(axis=1)
        values[:, node] = read * (own[:, node] if node < 7 else 1)
    return values[:, 7]


class TestFunction:
    FACTORS = (101, 103, 107, 109, 113, 127)

    def test_computes_what_the_cell_computes(self, codes):
        """Numbers in place of tensors: a different prime for every edge."""
        factors = np.broadcast_to(np.array(self.FACTORS), codes.shape)
        expected = outputs_of_cells(codes.astype(np.int64), factors)
        assert np.array_equal(outputs_of_graphs(function_graphs(codes), factors), expected)

    def test_the_pruned_view_does_not_where_a_tensor_is_added_to_itself(self, codes, pruned):
        factors = np.broadcast_to(np.array(self.FACTORS), codes.shape)
        expected = outputs_of_cells(codes.astype(np.int64), factors)
        doubled = (function_graphs(codes).adj > 1).any(axis=(1, 2))
        assert np.array_equal(outputs_of_graphs(pruned, factors) != expected, doubled)
        assert doubled.sum() == 457
        assert (function_graphs(codes).adj[:, 1, 8] > 1).sum() == 313, "the input itself"

    @pytest.mark.parametrize(
        ("cell", "often"),
        [
            ((SKIP,) * 6, 4),
            ((SKIP, NONE, SKIP, SKIP, SKIP, SKIP), 3),
            ((SKIP, NONE, NONE, SKIP, SKIP, NONE), 2),
            ((SKIP, CONV3, NONE, SKIP, CONV1, POOL), 1),
        ],
    )
    def test_input_added_to_itself(self, cell, often):
        graph = function_graphs(np.array([cell]))[0]
        assert graph.adj[1, 8] == often
        assert graph.adj[0].max() == 1


class TestRaw:
    def test_keeps_every_operation(self, codes):
        assert np.array_equal(raw_graphs(codes).ops[:, 2:8], codes + FIRST_OP)

    def test_all_cells_have_the_same_adjacency(self, codes):
        adj = raw_graphs(codes).adj
        assert (adj == adj[0]).all()
