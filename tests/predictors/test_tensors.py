from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from torch_geometric.utils import to_dense_adj

from brpnas.graphs import BLANK, GLOBAL, VIEWS, ArchGraph
from brpnas.predictors.tensors import to_pyg, to_pyg_batch, to_tensors
from tests.predictors.toys import cells, some


@pytest.mark.parametrize("view", VIEWS)
def test_tensors_hold_the_batch(view: str) -> None:
    batch = some(view)
    ops, adj = to_tensors(batch)
    assert (ops.dtype, adj.dtype) == (torch.int64, torch.float32)
    np.testing.assert_array_equal(ops.numpy(), batch.ops)
    np.testing.assert_array_equal(adj.numpy(), batch.adj)


def test_tensors_do_not_share_memory_with_the_batch() -> None:
    batch = some("raw")
    before = batch.ops.copy(), batch.adj.copy()
    for tensor in to_tensors(batch):
        tensor.fill_(7)
    np.testing.assert_array_equal(batch.ops, before[0])
    np.testing.assert_array_equal(batch.adj, before[1])


def test_tensors_of_no_graphs() -> None:
    ops, adj = to_tensors(some("raw")[:0])
    assert (ops.shape, adj.shape) == ((0, 9), (0, 9, 9))


@pytest.mark.parametrize("view", VIEWS)
def test_pyg_graph_has_exactly_the_edges_between_nodes_that_are_not_blank(view: str) -> None:
    batch = some(view, count=60)
    for i in range(len(batch)):
        ops, adj = batch.ops[i].tolist(), batch.adj[i].tolist()
        kept = [node for node, op in enumerate(ops) if op != BLANK]
        expected = Counter(
            {(kept.index(a), kept.index(b)): adj[a][b] for a in kept for b in kept if adj[a][b]}
        )
        data = to_pyg(batch[i])
        data.validate()
        edges = list(zip(*data.edge_index.tolist(), strict=True))
        assert Counter(edges) == expected
        assert data.x.tolist() == [ops[node] for node in kept]
        assert data.x[0] == GLOBAL


def test_pyg_graph_leaves_out_blanks_in_between() -> None:
    ops = np.array([GLOBAL, BLANK, 2, 5], np.int8)
    adj = np.array([[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]], np.int8)
    data = to_pyg(ArchGraph(ops, adj))
    assert data.x.tolist() == [GLOBAL, 2, 5]
    assert to_dense_adj(data.edge_index)[0].tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]


def test_pyg_batch_starts_each_graph_with_its_global_node() -> None:
    batch = some("pruned", count=40)
    union = to_pyg_batch(batch)
    sizes = (batch.ops != BLANK).sum(axis=1)
    assert len(set(sizes.tolist())) > 1
    np.testing.assert_array_equal(np.diff(union.ptr.numpy()), sizes)
    assert (union.x[union.ptr[:-1]] == GLOBAL).all()
    assert (union.x == GLOBAL).sum() == len(batch)
    assert union.edge_index.shape[1] == batch.adj.sum()
    sources, targets = union.edge_index
    assert (union.batch[sources] == union.batch[targets]).all()


def test_a_cell_without_a_path_is_a_graph_too() -> None:
    nothing = cells().rows(["|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"])[0]
    data = to_pyg(cells().view("pruned")[int(nothing)])
    assert data.x.tolist() == [1, 2, 3]
    assert data.edge_index.shape[1] == 5
