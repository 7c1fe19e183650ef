from __future__ import annotations

import pytest
import torch
from torch import nn

from brpnas.spaces.fbnet.blocks import BLOCKS, SHAPES, SKIP, Shape
from brpnas.spaces.fbnet.layers import InvertedResidual, convolution, make_block
from brpnas.spaces.fbnet.plan import Layer

KEEPS = Layer(4, 4, 1, 6, 5, True)
HALVES = Layer(4, 6, 2, 6, 5, False)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def by_hand(block: InvertedResidual, x: torch.Tensor) -> torch.Tensor:
    """The block channel by channel, in evaluation mode."""

    def normalised(y: torch.Tensor, norm: nn.BatchNorm2d) -> torch.Tensor:
        mean, var = norm.running_mean[:, None, None], norm.running_var[:, None, None]
        scaled = (y - mean) / torch.sqrt(var + norm.eps)
        return scaled * norm.weight[:, None, None] + norm.bias[:, None, None]

    def grouped(y: torch.Tensor, layer: nn.Conv2d) -> torch.Tensor:
        weight, parts = layer.weight[:, :, 0, 0], layer.groups
        chunks = zip(y.chunk(parts, 1), weight.chunk(parts), strict=True)
        return torch.cat([torch.einsum("bchw,oc->bohw", *chunk) for chunk in chunks], 1)

    y = torch.relu(normalised(grouped(x, block.expand[0]), block.expand[1]))
    if block.groups == 2:
        half = y.shape[1] // 2
        order = [half * (i % 2) + i // 2 for i in range(2 * half)]
        y = y[:, order]
    depth = block.depthwise[0]
    channels = [
        nn.functional.conv2d(y[:, c : c + 1], depth.weight[c : c + 1], None, depth.stride,
                             depth.padding)
        for c in range(y.shape[1])
    ]  # fmt: skip
    y = torch.relu(normalised(torch.cat(channels, 1), block.depthwise[1]))
    y = normalised(grouped(y, block.project[0]), block.project[1])
    return x + y if block.is_residual else y


@pytest.mark.parametrize("layer", [KEEPS, HALVES])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_block_is_what_its_name_says(shape: Shape, layer: Layer):
    block = InvertedResidual(shape, layer)
    block.train()(torch.randn(8, 4, 6, 5))  # running statistics other than 0 and 1
    x = torch.randn(2, 4, 6, 5)
    with torch.no_grad():
        got = block.eval()(x)
        torch.testing.assert_close(got, by_hand(block, x))
    height, width = -(-6 // layer.stride), -(-5 // layer.stride)
    assert got.shape == (2, layer.outputs, height, width)


def test_groups_mix_only_by_the_shuffle():
    """Without it an output would depend on half of the inputs."""
    block = InvertedResidual(Shape(3, 1, 2), Layer(8, 8, 1, 5, 5, False)).eval()
    x = torch.zeros(1, 8, 5, 5, requires_grad=True)
    nn.init.ones_(block.expand[1].bias)  # past the ReLU
    for layer in block.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 0.1)
    block(x)[0, 0].sum().backward()
    assert (x.grad.abs().sum((0, 2, 3)) > 0).all()


def test_skip_is_the_identity_or_a_convolution():
    x = torch.randn(2, 4, 6, 5)
    assert make_block(SKIP, KEEPS)(x) is x
    changing = make_block(SKIP, HALVES)
    y = changing(x)
    assert y.shape == (2, 6, 3, 3)
    assert (y >= 0).all()
    assert [p.shape for p in changing.parameters()] == [(6, 4, 1, 1), (6,), (6,)]


@pytest.mark.parametrize("code", range(len(BLOCKS) - 1))
def test_codes_make_their_shapes(code):
    block = make_block(code, KEEPS)
    conv = block.depthwise[0]
    assert Shape(conv.kernel_size[0], conv.in_channels // 4, block.groups) == SHAPES[code]


def test_an_inactive_convolution_has_no_relu():
    assert [type(x) for x in convolution(2, 4)] == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(x) for x in convolution(2, 4, activate=False)] == [nn.Conv2d, nn.BatchNorm2d]
