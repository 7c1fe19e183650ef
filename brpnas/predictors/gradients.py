"""Outputs and gradients of a network on its training rows, for the steps of `train_network`.

`network_gradients` chooses the way. `GcnGradients` is `DenseGCN` and its derivative by hand, for
the default network: the same sums as autograd, in half the time on a CPU. `AutogradGradients` works
for every network, and is the reference of the other. Both put the gradients into a
`FlatParameters`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.graphs import BLANK
from brpnas.predictors.backbones import DenseGCN, both_directions
from brpnas.predictors.tensors import GraphTensors

__all__ = [
    "AutogradGradients",
    "FlatParameters",
    "GcnGradients",
    "NetworkGradients",
    "network_gradients",
]


class FlatParameters:
    """Parameters of a network in one vector, and their gradients in another.

    The parameters of the network become views of these vectors.

    Attributes:
        values: All parameters, matrices first.
        slopes: Their gradients, 0 at first.
        matrices: The part of ``values`` with the matrices, a view.
    """

    def __init__(self, network: nn.Module) -> None:
        parameters = sorted(network.parameters(), key=lambda parameter: parameter.ndim <= 1)
        sizes = [parameter.numel() for parameter in parameters]
        self.values = torch.cat([parameter.detach().flatten() for parameter in parameters])
        self.slopes = torch.zeros_like(self.values)
        self.matrices = self.values[: sum(p.numel() for p in parameters if p.ndim > 1)]
        parts = zip(
            parameters,
            torch.split(self.values, sizes),
            torch.split(self.slopes, sizes),
            strict=True,
        )
        for parameter, values, slopes in parts:
            parameter.data = values.view_as(parameter)
            parameter.grad = slopes.view_as(parameter)


class NetworkGradients(ABC):
    """Outputs of a network on rows of a table of graphs, and the gradients of its parameters.

    Args:
        network: In training mode while it is trained. Its parameters have gradients, from
            `FlatParameters`.
        inputs: Tensors of the table, with a row per graph.
    """

    def __init__(self, network: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self.network, self.inputs = network, inputs

    def batches(self, order: Tensor, size: int) -> Iterator[tuple[Tensor, ...]]:
        """Inputs of each batch, with the rows of the table in this order."""
        return zip(*(torch.split(x[order], size) for x in self.inputs), strict=True)

    @abstractmethod
    def outputs(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Output for each graph of one of the `batches`, shape ``[B]``."""

    @abstractmethod
    def backward(self, slope: Tensor) -> None:
        """Set the gradients of all parameters, by the derivative by the last `outputs`, ``[B]``."""


class AutogradGradients(NetworkGradients):
    """By autograd, for every network."""

    def __init__(self, network: nn.Module, graphs: GraphTensors) -> None:
        super().__init__(network, graphs)
        self._outputs = torch.empty(0)

    def outputs(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Output of the network."""
        with torch.enable_grad():
            self._outputs = self.network(*batch)
        return self._outputs.detach()

    def backward(self, slope: Tensor) -> None:
        """Gradients by autograd, in place of the last."""
        for parameter in self.network.parameters():
            _gradient(parameter).zero_()
        self._outputs.backward(slope)  # type: ignore[no-untyped-call]


class _Pass(NamedTuple):
    """Tensors of the last pass through a layer."""

    summed: Tensor
    mixed: Tensor
    mean: Tensor
    inverse_deviation: Tensor
    out: Tensor
    kept: Tensor | None
    """Factors of dropout."""


class GcnGradients(NetworkGradients):
    """A `DenseGCN` of one output with its derivative by hand, in fewer operations than autograd.

    The first layer is cheaper too: ``counts [N, V, 2 num_ops] @ (embedding @ weights)``, where the
    operations of the neighbours of each node are counted once for all epochs.
    """

    def __init__(self, network: DenseGCN, graphs: GraphTensors) -> None:
        ops, adj = graphs
        neighbours = both_directions(adj).flatten(1, 2)  # [N, V * 2, V]
        one_hot = F.one_hot(ops, network.embedding.num_embeddings).to(adj.dtype)
        counts = torch.bmm(neighbours, one_hot).view(*ops.shape, -1)
        super().__init__(network, (counts, neighbours))
        self.gcn = network
        self.layers = [
            (linear, norm)
            for linear, norm in zip(network.convolutions, network.norms, strict=True)
            if isinstance(linear, nn.Linear) and isinstance(norm, nn.LayerNorm)
        ]
        self._neighbours = torch.empty(0)
        self._passes: list[_Pass] = []

    def outputs(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Output of the network."""
        counts, self._neighbours = batch
        x, self._passes = torch.empty(0), []
        for depth, (linear, norm) in enumerate(self.layers):
            nodes = self._nodes(depth)
            if depth:
                x = x.view(len(counts), -1, norm.weight.numel())
                summed = torch.bmm(self._neighbours[:, : 2 * nodes], x)
                summed = summed.view(len(counts) * nodes, -1)
                mixed = torch.addmm(linear.bias, summed, linear.weight.T)
            else:
                summed = counts[:, :nodes].flatten(0, 1)
                sides = torch.matmul(self.gcn.embedding.weight, _sides(linear.weight).mT)
                mixed = torch.addmm(linear.bias, summed, sides.flatten(0, 1))
            x, mean, inverse_deviation = torch.native_layer_norm(
                mixed, norm.normalized_shape, norm.weight, norm.bias, norm.eps
            )
            x, kept = x.relu_(), None
            if self.gcn.dropout and self.gcn.training:
                share = 1 - self.gcn.dropout
                kept = torch.empty_like(x).bernoulli_(share).div_(share)
                x = x * kept
            self._passes.append(_Pass(summed, mixed, mean, inverse_deviation, x, kept))
        return torch.addmv(self.gcn.head.bias, x, self.gcn.head.weight[0])

    def backward(self, slope: Tensor) -> None:
        """Gradients layer by layer from the head, in place of the last."""
        head = self.gcn.head
        torch.mm(slope[None], self._passes[-1].out, out=head.weight.grad)
        torch.sum(slope, 0, keepdim=True, out=head.bias.grad)
        slope = slope[:, None] * head.weight
        for depth in reversed(range(len(self.layers))):
            linear, norm = self.layers[depth]
            summed, mixed, mean, inverse_deviation, out, kept = self._passes[depth]
            if kept is not None:
                slope = slope * kept
            slope = torch.ops.aten.threshold_backward.default(slope, out, 0)
            slope, *affine = torch.ops.aten.native_layer_norm_backward.default(
                slope, mixed, norm.normalized_shape, mean, inverse_deviation,
                norm.weight, norm.bias, (True, True, True),
            )  # fmt: skip
            for parameter, gradient in zip((norm.weight, norm.bias), affine, strict=True):
                _gradient(parameter).copy_(gradient)
            torch.sum(slope, 0, out=_gradient(linear.bias))
            if depth:
                torch.mm(slope.T, summed, out=_gradient(linear.weight))
                neighbours = self._neighbours[:, : 2 * self._nodes(depth)]
                sums = torch.mm(slope, linear.weight).view(*neighbours.shape[:2], -1)
                slope = torch.bmm(neighbours.mT, sums).flatten(0, 1)
            else:
                self._backward_of_embedding(torch.mm(slope.T, summed))

    def _backward_of_embedding(self, slope: Tensor) -> None:
        """From the derivative by ``embedding @ weights``, ``[hidden, 2 num_ops]``."""
        embedding, weight = self.gcn.embedding.weight, self.layers[0][0].weight
        sides = slope.view(len(slope), 2, -1).transpose(0, 1)  # [2, hidden, num_ops]
        _sides(_gradient(weight)).copy_(torch.matmul(sides, embedding))
        gradient = _gradient(embedding)
        torch.sum(torch.bmm(sides.mT, _sides(weight)), 0, out=gradient)
        gradient[BLANK] = 0

    def _nodes(self, depth: int) -> int:
        """Number of nodes to compute: the last layer needs the global node alone."""
        return 1 if depth == len(self.layers) - 1 else self._neighbours.shape[2]


def _sides(weight: Tensor) -> Tensor:
    """Weights of successors and of predecessors, ``[2, hidden, hidden]``, a view."""
    return weight.view(len(weight), 2, -1).transpose(0, 1)


def _gradient(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    return parameter.grad


def network_gradients(network: nn.Module, graphs: GraphTensors) -> NetworkGradients:
    """Gradients of a network on a table of graphs, in the fastest way."""
    if isinstance(network, DenseGCN):
        return GcnGradients(network, graphs)
    return AutogradGradients(network, graphs)
