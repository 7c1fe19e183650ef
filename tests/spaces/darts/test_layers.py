from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from brpnas.spaces.darts.cell import OPERATIONS
from brpnas.spaces.darts.layers import (
    AuxiliaryHead,
    Cell,
    FactorisedReduction,
    conv_block,
    drop_path,
    operation,
)

CHAIN = [[(2, 0), (2, 1)], [(2, 0), (2, 2)], [(2, 0), (2, 3)], [(2, 0), (2, 4)]]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def layers(module: nn.Module) -> list[tuple]:
    """Kind and settings of the weighted and activating layers of a module."""
    found = []
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            found.append((layer.kernel_size[0], layer.stride[0], layer.dilation[0], layer.groups))
        elif isinstance(layer, nn.ReLU | nn.BatchNorm2d):
            found.append(type(layer).__name__)
    return found


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(8, 8), (7, 5), (1, 1)])
@pytest.mark.parametrize("code", range(7))
def test_operations_keep_or_halve_the_image(code, size, stride):
    height, width = size
    output = operation(code, 4, stride)(torch.randn(2, 4, *size))
    halved = ((height + 1) // 2, (width + 1) // 2)
    assert output.shape == (2, 4, *(size if stride == 1 else halved))


def test_convolutions_are_those_of_the_paper():
    def separable(kernel, stride, dilation):
        return ["ReLU", (kernel, stride, dilation, 4), (1, 1, 1, 1), "BatchNorm2d"]

    for kernel in (3, 5):
        twice = operation(OPERATIONS.index(f"sep_conv_{kernel}x{kernel}"), 4, 2)
        assert layers(twice) == separable(kernel, 2, 1) + separable(kernel, 1, 1)
        once = operation(OPERATIONS.index(f"dil_conv_{kernel}x{kernel}"), 4, 2)
        assert layers(once) == separable(kernel, 2, 2)
    assert layers(conv_block(3, 5)) == ["ReLU", (1, 1, 1, 1), "BatchNorm2d"]


def test_average_pooling_leaves_the_border_out():
    pooled = operation(OPERATIONS.index("avg_pool_3x3"), 1, 1)(torch.ones(1, 1, 4, 4))
    assert torch.equal(pooled, torch.ones(1, 1, 4, 4))


def test_skip_is_the_identity_but_for_stride_two():
    assert isinstance(operation(2, 4, 1), nn.Identity)
    assert isinstance(operation(2, 4, 2), FactorisedReduction)


@pytest.mark.parametrize("size", [(4, 6), (5, 7), (1, 1)])
@pytest.mark.parametrize("outputs", [6, 5])
def test_factorised_reduction_samples_even_and_odd_pixels(size, outputs):
    module = FactorisedReduction(3, outputs).eval()
    x = torch.randn(2, 3, *size)
    padded = F.pad(x.relu(), (0, 1, 0, 1))
    rows, columns = (size[0] + 1) // 2, (size[1] + 1) // 2
    parts = []
    for conv, shift in ((module.even, 0), (module.odd, 1)):
        pixels = padded[:, :, shift::2, shift::2][:, :, :rows, :columns]
        parts.append(torch.einsum("oc,bchw->bohw", conv.weight[:, :, 0, 0], pixels))
    assert torch.allclose(module(x), module.norm(torch.cat(parts, 1)), atol=1e-6)


def test_drop_path_drops_whole_images_and_keeps_the_mean():
    dropped = drop_path(torch.ones(4000, 2, 3, 3), 0.25)
    per_image = dropped.flatten(1)
    assert (per_image == per_image[:, :1]).all()
    values = per_image[:, 0].unique()
    assert torch.allclose(values, torch.tensor([0.0, 1 / 0.75]))
    assert abs(float(dropped.mean()) - 1) < 0.03


def test_a_cell_of_skips_sums_its_inputs():
    cell = Cell(CHAIN, (6, 8), 4, reduction=False, after_reduction=False).eval()
    before, last = torch.randn(2, 6, 8, 8), torch.randn(2, 8, 8, 8)
    a, b = cell.inputs[0](before), cell.inputs[1](last)
    expected = [a + b, a + a + b, 3 * a + b, 4 * a + b]
    assert torch.allclose(cell(before, last), torch.cat(expected, 1), atol=1e-5)


def test_drop_path_of_a_cell_spares_the_identity_and_evaluation():
    cell = Cell(CHAIN, (6, 8), 4, reduction=False, after_reduction=False)
    images = torch.randn(2, 6, 8, 8), torch.randn(2, 8, 8, 8)
    assert torch.equal(cell(*images, 0.9), cell(*images, 0.0))
    pools = [[(0, s) for _, s in edges] for edges in CHAIN]
    pooled = Cell(pools, (6, 8), 4, reduction=False, after_reduction=False)
    assert not torch.equal(pooled(*images, 0.9), pooled(*images, 0.0))
    pooled.eval()
    assert torch.equal(pooled(*images, 0.9), pooled(*images, 0.0))


def test_reduction_cells_and_the_cell_after():
    images = torch.randn(2, 6, 8, 8), torch.randn(2, 8, 8, 8)
    assert Cell(CHAIN, (6, 8), 4, True, False)(*images).shape == (2, 16, 4, 4)
    last = torch.randn(2, 8, 4, 4)
    assert Cell(CHAIN, (6, 8), 4, False, True)(images[0], last).shape == (2, 16, 4, 4)


@pytest.mark.parametrize("size", [(8, 8), (1, 1), (3, 2), (16, 16)])
def test_auxiliary_head_takes_maps_of_any_size(size):
    head = AuxiliaryHead(16, size, 5)
    assert head(torch.randn(2, 16, *size)).shape == (2, 5)


def test_auxiliary_head_is_the_published_one():
    head = AuxiliaryHead(16, (8, 8), 10)
    windows = head.features[1](torch.arange(64.0).reshape(1, 1, 8, 8))
    image = torch.arange(64.0).reshape(8, 8)
    expected = [[image[i : i + 5, j : j + 5].mean() for j in (0, 3)] for i in (0, 3)]
    assert torch.allclose(windows[0, 0], torch.tensor(expected))
    count = sum(p.numel() for p in head.parameters())
    assert count == 16 * 128 + 2 * 128 + 128 * 768 * 4 + 2 * 768 + 768 * 10 + 10
