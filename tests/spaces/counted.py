"""Cost of a built network, counted by torch as it runs."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["counted"]


def counted(network: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int]:
    """Parameters, and multiply-adds of convolutions and linear layers with their biases."""
    found: list[int] = []

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        each = layer.weight[0].numel() + (layer.bias is not None)
        found.append(each * output[0].numel())

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            layer.register_forward_hook(count)
    with torch.inference_mode():
        network.eval()(torch.zeros(1, *shape))
    return sum(p.numel() for p in network.parameters()), sum(found)
