from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from brpnas.errors import UnknownNameError
from brpnas.graphs import BLANK, VIEWS, GraphBatch
from brpnas.predictors.backbones import BACKBONES, DenseGCN, build_network
from brpnas.predictors.tensors import to_tensors
from tests.predictors.toys import gradients, padded, permuted, some

EVERY_VIEW = [(name, view) for name in BACKBONES for view in VIEWS]


def network(name: str, dropout: float = 0.0, layers: int = 3) -> torch.nn.Module:
    torch.manual_seed(0)
    return build_network(name, 9, 16, layers, dropout).double().eval()


def answers(net: torch.nn.Module, batch: GraphBatch) -> Tensor:
    ops, adj = to_tensors(batch)
    out: Tensor = net(ops, adj.double())
    return out


def slow_gcn(net: DenseGCN, ops: list[int], adj: list[list[int]]) -> Tensor:
    """The formula for one graph, node by node, every row of every layer; output of each node."""
    nodes = range(len(ops))
    x = [net.embedding.weight[op] for op in ops]
    for linear, norm in zip(net.convolutions, net.norms, strict=True):
        new = []
        for v in nodes:
            successors, predecessors = torch.zeros_like(x[0]), torch.zeros_like(x[0])
            for u in nodes:
                successors = successors + adj[v][u] * x[u]
                predecessors = predecessors + adj[u][v] * x[u]
            summed = torch.cat([successors, predecessors])
            row = linear.weight @ summed + linear.bias
            row = (row - row.mean()) / torch.sqrt(row.var(unbiased=False) + norm.eps)
            new.append(torch.clamp(row * norm.weight + norm.bias, min=0))
        x = new
    return torch.stack([net.head.weight[0] @ row + net.head.bias[0] for row in x])


@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize("view", VIEWS)
def test_gcn_is_the_formula(view: str, layers: int) -> None:
    net, batch = network("gcn", layers=layers), some(view, count=90)
    batch = batch[np.argsort(-batch.adj.max(axis=(1, 2)), kind="stable")[:6]]
    assert (batch.adj.max() > 1) == (view == "function")
    assert isinstance(net, DenseGCN)
    with torch.no_grad():  # a fresh norm is the identity and would hide a missing scale
        for norm in net.norms:
            norm.weight.uniform_(0.5, 2)
            norm.bias.uniform_(-1, 1)
    slow = torch.stack(
        [slow_gcn(net, batch.ops[i].tolist(), batch.adj[i].tolist())[0] for i in range(len(batch))]
    )
    fast = answers(net, batch)
    assert slow.std() > 1e-3
    torch.testing.assert_close(fast, slow, rtol=1e-10, atol=1e-10)
    parameters = [p for name, p in net.named_parameters() if name != "embedding.weight"]
    for mine, theirs in zip(
        gradients(fast, *parameters), gradients(slow, *parameters), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-10)


def test_gcn_tells_successors_from_predecessors() -> None:
    net, (ops, adj) = network("gcn"), to_tensors(some("raw"))
    forward, backward = net(ops, adj.double()), net(ops, adj.double().transpose(1, 2))
    assert (forward - backward).abs().min() > 1e-6
    hidden = net.embedding.embedding_dim
    with torch.no_grad():
        for linear in net.convolutions:
            linear.weight.copy_(linear.weight.roll(hidden, dims=1))
    torch.testing.assert_close(net(ops, adj.double().transpose(1, 2)), forward)


def test_every_parameter_of_the_gcn_learns() -> None:
    net = network("gcn")
    answers(net, some("pruned")).square().sum().backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0, name


def test_the_blank_operation_stays_zero() -> None:
    net = network("gcn")
    answers(net, some("pruned")).sum().backward()
    assert not net.embedding.weight[BLANK].any()
    assert not net.embedding.weight.grad[BLANK].any()


@pytest.mark.parametrize(("name", "view"), EVERY_VIEW)
def test_answers_are_finite_and_differ(name: str, view: str) -> None:
    out = answers(network(name), some(view))
    assert out.shape == (24,)
    assert out.isfinite().all()
    assert out.std() > 1e-3


@pytest.mark.parametrize(("name", "view"), EVERY_VIEW)
def test_order_of_nodes_does_not_matter(name: str, view: str) -> None:
    net, batch = network(name), some(view)
    for seed in range(3):
        other = permuted(batch, seed)
        assert (other.ops != batch.ops).any()
        torch.testing.assert_close(answers(net, other), answers(net, batch), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BACKBONES)
def test_blank_nodes_do_not_matter(name: str) -> None:
    net, batch = network(name), some("raw")
    expected = answers(net, batch)
    torch.testing.assert_close(answers(net, padded(batch)), expected, rtol=1e-9, atol=1e-9)
    mixed = permuted(padded(batch, 5), seed=3)
    torch.testing.assert_close(answers(net, mixed), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BACKBONES)
def test_edges_and_operations_matter(name: str) -> None:
    net, batch = network(name), some("raw")
    cut = batch.adj.copy()
    cut[:, 1, 2] = 0
    for other in (
        GraphBatch(batch.ops, cut, batch.num_ops),
        GraphBatch(np.where(batch.ops == 3, 4, batch.ops), batch.adj, batch.num_ops),
    ):
        assert (answers(net, other) - answers(net, batch)).abs().max() > 1e-4


@pytest.mark.parametrize("name", BACKBONES)
def test_a_graph_does_not_see_the_others_of_its_batch(name: str) -> None:
    net, batch = network(name), some("raw")
    alone = torch.cat([answers(net, batch[i : i + 1]) for i in range(len(batch))])
    torch.testing.assert_close(alone, answers(net, batch), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", BACKBONES)
def test_dropout_acts_in_training_only(name: str) -> None:
    net, batch = network(name, dropout=0.5), some("raw")
    torch.testing.assert_close(answers(net, batch), answers(net, batch), rtol=0, atol=0)
    torch.testing.assert_close(answers(net, batch), answers(network(name), batch))
    net.train()
    assert (answers(net, batch) - answers(net, batch)).abs().max() > 1e-3


@pytest.mark.parametrize("view", VIEWS)
def test_each_of_several_outputs_is_a_gcn_of_one(view: str) -> None:
    """The same layers, and a row of the head for each output."""
    torch.manual_seed(0)
    several, (ops, adj) = DenseGCN(9, 16, 3, outputs=4).eval(), to_tensors(some(view))
    out = several.vector(ops, adj)
    assert out.shape == (24, 4)
    assert torch.equal(several(ops, adj), out[:, 0])
    for output in range(4):
        weights = several.state_dict()
        weights["head.weight"] = weights["head.weight"][output : output + 1]
        weights["head.bias"] = weights["head.bias"][output : output + 1]
        one = DenseGCN(9, 16, 3).eval()
        one.load_state_dict(weights)
        torch.testing.assert_close(out[:, output], one(ops, adj))
        assert one.vector(ops, adj).shape == (24, 1)
    assert (out.std(dim=0) > 1e-3).all()


@pytest.mark.parametrize("name", BACKBONES)
def test_build_network_keeps_its_sizes(name: str) -> None:
    net = build_network(name, num_ops=7, hidden=12, layers=5)
    assert type(net) is BACKBONES[name]
    assert tuple(net.embedding.weight.shape) == (7, 12)
    assert len(net.convolutions) == len(net.norms) == 5


def test_unknown_backbone_suggests_one() -> None:
    with pytest.raises(UnknownNameError, match=r"backbone 'gcnn'.* 'gcn'\?") as raised:
        build_network("gcnn", 9, 8, 2)
    assert raised.value.options == sorted(BACKBONES)
