from __future__ import annotations

import copy

import pytest
import torch

from brpnas.graphs import VIEWS
from brpnas.predictors.backbones import DenseGCN
from brpnas.predictors.sparse import SparseGCN
from brpnas.predictors.tensors import to_pyg_batch, to_tensors
from tests.predictors.toys import gradients, padded, some
from tests.seeds import first_of

EXACTNESS = {torch.float32: 1e-5, torch.float64: 1e-10}


def pair(dtype: torch.dtype, layers: int = 4, seed: int = 0) -> tuple[DenseGCN, SparseGCN]:
    torch.manual_seed(seed)
    dense = DenseGCN(num_ops=9, hidden=16, layers=layers)
    with torch.no_grad():
        for parameter in dense.parameters():
            if parameter.ndim == 1:  # fresh norms and biases are zeros and ones
                parameter.add_(torch.rand_like(parameter))
    sparse = SparseGCN(copy.deepcopy(dense))
    return dense.to(dtype), sparse.to(dtype)


@pytest.mark.parametrize("dtype", EXACTNESS, ids=str)
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("seed", first_of(range(3)))
def test_dense_equals_sparse(view: str, dtype: torch.dtype, seed: int) -> None:
    batch, exact = some(view, count=100, seed=seed), EXACTNESS[dtype]
    dense, sparse = pair(dtype, seed=seed)
    ops, adj = to_tensors(batch)
    ours, theirs = dense(ops, adj.to(dtype)), sparse(to_pyg_batch(batch))
    assert ours.dtype == theirs.dtype == dtype
    assert ours.std() > 1e-2
    torch.testing.assert_close(ours, theirs, rtol=exact, atol=exact)


@pytest.mark.parametrize("dtype", EXACTNESS, ids=str)
@pytest.mark.parametrize("view", VIEWS)
def test_gradients_of_dense_equal_those_of_sparse(view: str, dtype: torch.dtype) -> None:
    batch, exact = some(view, count=60), EXACTNESS[dtype]
    dense, sparse = pair(dtype)
    ops, adj = to_tensors(batch)
    ours, theirs = dense(ops, adj.to(dtype)), sparse(to_pyg_batch(batch))
    shared = [
        "embedding.weight",
        *(name for name, _ in dense.named_parameters() if name.startswith(("norms", "head"))),
    ]
    expected = gradients(theirs, *(sparse.get_parameter(name) for name in shared))
    found = gradients(ours, *(dense.get_parameter(name) for name in shared))
    weights = gradients(dense(ops, adj.to(dtype)), *(c.weight for c in dense.convolutions))
    biases = gradients(dense(ops, adj.to(dtype)), *(c.bias for c in dense.convolutions))
    rerun = sparse(to_pyg_batch(batch))
    rerun_gradients = gradients(
        rerun,
        *(c.lin.weight for c in sparse.successors),
        *(c.lin.weight for c in sparse.predecessors),
        *(c.bias for c in sparse.successors),
    )
    depth = len(dense.convolutions)
    expected += [
        torch.cat([rerun_gradients[i], rerun_gradients[depth + i]], dim=1) for i in range(depth)
    ]
    expected += rerun_gradients[2 * depth :]
    for mine, reference in zip([*found, *weights, *biases], expected, strict=True):
        scale = float(reference.abs().max())
        assert scale > 0
        torch.testing.assert_close(mine / scale, reference / scale, rtol=0, atol=exact)


@pytest.mark.parametrize("layers", [1, 2])
def test_few_layers_too(layers: int) -> None:
    dense, sparse = pair(torch.float64, layers)
    ops, adj = to_tensors(some("pruned"))
    torch.testing.assert_close(dense(ops, adj.double()), sparse(to_pyg_batch(some("pruned"))))


def test_padding_is_nothing_to_the_sparse_one() -> None:
    _, sparse = pair(torch.float64)
    torch.testing.assert_close(
        sparse(to_pyg_batch(padded(some("pruned")))), sparse(to_pyg_batch(some("pruned")))
    )


def test_sparse_takes_copies_of_the_convolutions() -> None:
    dense, _ = pair(torch.float32)
    sparse = SparseGCN(dense)
    before = sparse(to_pyg_batch(some("raw")))
    with torch.no_grad():
        dense.convolutions[0].weight.zero_()
    torch.testing.assert_close(sparse(to_pyg_batch(some("raw"))), before)


def test_sparse_keeps_the_precision_of_the_dense_one() -> None:
    dense, _ = pair(torch.float64)
    assert {p.dtype for p in SparseGCN(dense).parameters()} == {torch.float64}
