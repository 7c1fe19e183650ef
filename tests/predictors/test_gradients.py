from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from brpnas.graphs import BLANK, VIEWS
from brpnas.predictors.backbones import build_network
from brpnas.predictors.gradients import (
    AutogradGradients,
    FlatParameters,
    GcnGradients,
    network_gradients,
)
from brpnas.predictors.tensors import to_tensors
from tests.predictors.toys import some

ROWS, SLOPE = torch.tensor([5, 0, 3, 17, 9, 2, 8]), torch.linspace(-1, 2, 7, dtype=torch.float64)


def network(name: str = "gcn", layers: int = 3, dropout: float = 0.0) -> nn.Module:
    """A network of random parameters: fresh norms and biases would hide errors."""
    torch.manual_seed(0)
    net = build_network(name, 9, 16, layers, dropout).double()
    with torch.no_grad():
        for parameter in net.parameters():
            if parameter.ndim == 1:
                parameter.uniform_(0.5, 2)
    return net


def plain(net: nn.Module, view: str) -> tuple[Tensor, list[Tensor]]:
    """Outputs and gradients of autograd on the module itself."""
    ops, adj = to_tensors(some(view))
    torch.manual_seed(1)
    out = net(ops[ROWS], adj.double()[ROWS])
    return out.detach(), list(torch.autograd.grad((out * SLOPE).sum(), list(net.parameters())))


@torch.no_grad()
def ours(net: nn.Module, view: str, way: type | None = None) -> tuple[Tensor, list[Tensor]]:
    """Outputs and gradients of the same rows, after a step on others."""
    ops, adj = to_tensors(some(view))
    FlatParameters(net)
    gradients = (way or network_gradients)(net, (ops, adj.double()))
    for rows in (torch.arange(10, 17), ROWS):
        (batch,) = gradients.batches(rows, 7)
        torch.manual_seed(1)
        out = gradients.outputs(batch)
        gradients.backward(SLOPE)
    return out, [p.grad.clone() for p in net.parameters() if p.grad is not None]


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("layers", [1, 2, 4])
@pytest.mark.parametrize("view", VIEWS)
def test_gradients_of_the_gcn_are_those_of_autograd(view: str, layers: int, dropout: float) -> None:
    expected = plain(network(layers=layers, dropout=dropout), view)
    found = ours(network(layers=layers, dropout=dropout), view, GcnGradients)
    assert min(float(g.abs().max()) for g in expected[1]) > 1e-4
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", ["gcn", "gin", "gat"])
def test_gradients_of_autograd_are_those_of_the_last_batch_alone(name: str) -> None:
    expected = plain(network(name, dropout=0.3), "raw")
    found = ours(network(name, dropout=0.3), "raw", AutogradGradients)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_dropout_does_not_act_in_evaluation() -> None:
    found = ours(network(dropout=0.5).eval(), "raw", GcnGradients)
    torch.testing.assert_close(found, plain(network(), "raw"), rtol=1e-9, atol=1e-10)


def test_the_blank_operation_has_no_gradient() -> None:
    net = network()
    assert (some("pruned").ops == BLANK).any()
    ours(net, "pruned", GcnGradients)
    gradient = net.get_parameter("embedding.weight").grad
    assert gradient is not None
    assert not gradient[BLANK].any()
    assert gradient.any()


@pytest.mark.parametrize(
    ("name", "way"), [("gcn", GcnGradients), ("gin", AutogradGradients), ("gat", AutogradGradients)]
)
def test_every_backbone_has_its_way(name: str, way: type) -> None:
    net = network(name)
    assert type(network_gradients(net, to_tensors(some("raw")))) is way


def test_batches_have_every_row_once_in_their_order() -> None:
    ops, adj = to_tensors(some("raw"))
    gradients = AutogradGradients(network("gin"), (ops, adj))
    order = torch.randperm(24)
    batches = list(gradients.batches(order, 10))
    assert [len(batch[0]) for batch in batches] == [10, 10, 4]
    assert torch.equal(torch.cat([batch[0] for batch in batches]), ops[order])
    assert torch.equal(torch.cat([batch[1] for batch in batches]), adj[order])


def test_flat_parameters_are_the_parameters() -> None:
    net = network()
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    flat = FlatParameters(net)
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, before[name])
        assert parameter.grad is not None
        parameter.grad.fill_(1)
    assert len(flat.values) == sum(p.numel() for p in net.parameters())
    assert flat.slopes.eq(1).all()
    flat.matrices.zero_()
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter, before[name] * (parameter.ndim == 1)), name
