"""Torch layers of FBNet networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from brpnas.spaces.fbnet.blocks import SHAPES, SKIP, Shape
from brpnas.spaces.fbnet.plan import Layer

__all__ = ["InvertedResidual", "convolution", "make_block"]


def convolution(
    inputs: int,
    outputs: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    *,
    activate: bool = True,
) -> nn.Sequential:
    """Convolution without bias, normalisation, and ReLU if ``activate``."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if activate else []))


class InvertedResidual(nn.Module):
    """The block of FBNet: 1x1 convolution, depthwise convolution, 1x1 convolution.

    Both 1x1 convolutions have the groups of the shape; with several, channels are shuffled between
    the first and the depthwise convolution (ShuffleNet, arXiv 1707.01083). The last convolution has
    no ReLU. The input is added if the layer keeps its shape.

    Args:
        shape: Kernel, expansion and groups.
        layer: Channels and stride.
    """

    def __init__(self, shape: Shape, layer: Layer) -> None:
        super().__init__()
        inner = layer.inputs * shape.expansion
        self.groups, self.is_residual = shape.groups, layer.keeps
        self.expand = convolution(layer.inputs, inner, groups=shape.groups)
        self.depthwise = convolution(inner, inner, shape.kernel, layer.stride, groups=inner)
        self.project = convolution(inner, layer.outputs, groups=shape.groups, activate=False)

    def forward(self, x: Tensor) -> Tensor:
        """Feature maps ``[B, outputs, H, W]`` of ``[B, inputs, H, W]``."""
        y: Tensor = self.expand(x)
        if self.groups > 1:
            parts = torch.unflatten(y, 1, (self.groups, -1))
            y = parts.transpose(1, 2).flatten(1, 2)
        y = self.project(self.depthwise(y))
        return torch.add(x, y) if self.is_residual else y


def make_block(code: int, layer: Layer) -> nn.Module:
    """Block of a code in a layer.

    `skip` is the identity if the layer keeps the shape, else a 1x1 convolution with the stride of
    the layer.
    """
    if code != SKIP:
        return InvertedResidual(SHAPES[code], layer)
    if layer.keeps:
        return nn.Identity()
    return convolution(layer.inputs, layer.outputs, stride=layer.stride)
