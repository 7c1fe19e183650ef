"""Vectorised graphs against slow loops over the definition."""

import numpy as np
import pytest

from brpnas.graphs import BLANK, GLOBAL, INPUT, OUTPUT
from brpnas.spaces.darts.cell import OPERATIONS, node_numbers
from brpnas.spaces.darts.encode import VOCABULARY, darts_graphs
from tests.spaces.darts.examples import DARTS_V2_ID, chain_of
from tests.spaces.darts.slow import graph


@pytest.mark.parametrize("pruned", [False, True])
def test_equals_the_slow_loop(rng_sample, pruned):
    arch_ids = [*rng_sample, DARTS_V2_ID, chain_of("skip")]
    batch = darts_graphs(node_numbers(arch_ids), pruned)
    for row, arch_id in enumerate(arch_ids):
        names, edges = graph(arch_id, pruned)
        assert [VOCABULARY[op] for op in batch.ops[row]] == ["global", *names]
        inner = batch.adj[row, 1:, 1:] - np.diag(np.diag(batch.adj[row, 1:, 1:]))
        assert {(str(i), str(j)) for i, j in np.argwhere(inner)} == edges


def test_thirty_one_nodes_and_two_cells_joined_by_the_global_node_alone(rng_sample):
    batch = darts_graphs(node_numbers(rng_sample), pruned=False)
    assert batch.ops.shape == (200, 31)
    assert batch.num_ops == len(VOCABULARY) == 22
    assert (batch.ops[:, 0] == GLOBAL).all()
    assert not batch.adj[:, 1:16, 16:].any()
    assert not batch.adj[:, 16:, 1:16].any()
    assert batch.adj[:, 0].all()


def test_each_cell_has_words_of_its_own(rng_sample):
    ops = darts_graphs(node_numbers(rng_sample), pruned=False).ops
    normal, reduce = set(ops[:, 1:16].flat), set(ops[:, 16:].flat)
    assert normal & reduce == {INPUT, OUTPUT}
    assert {VOCABULARY[op] for op in reduce - normal} == {
        "reduce_sum",
        "reduce_previous",
        *(f"reduce_{name}" for name in OPERATIONS),
    }


def test_raw_graphs_keep_every_operation(rng_sample):
    batch = darts_graphs(node_numbers(rng_sample), pruned=False)
    assert not (batch.ops == BLANK).any()
    assert (batch.ops == OUTPUT).sum() == 400


def test_skips_are_bypassed_but_for_those_that_halve_the_image():
    names = [VOCABULARY[op] for op in darts_graphs(node_numbers([chain_of("skip")]), True).ops[0]]
    assert names[1:16].count("blank") == 8
    # Every node reads node 0; of the other edges one reads node 1 and three intermediate nodes.
    assert names[16:].count("reduce_skip_connect") == 5
    assert names[16:].count("blank") == 3


def test_views_agree_where_nothing_is_skipped():
    numbers = node_numbers([chain_of(name) for name in ("sep3", "max3", "dil5")])
    raw, pruned = darts_graphs(numbers, False), darts_graphs(numbers, True)
    assert np.array_equal(raw.ops, pruned.ops)
    assert np.array_equal(raw.adj, pruned.adj)


def test_input_is_untouched_and_graphs_share_no_memory(rng_sample):
    numbers = node_numbers(rng_sample)
    before = numbers.copy()
    batch = darts_graphs(numbers, True)
    batch.adj[0] = 0
    assert np.array_equal(numbers, before)
    assert batch.adj[1].any()
