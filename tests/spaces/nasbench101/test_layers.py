"""A cell computes its definition, with its own weights."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from brpnas.errors import ConfigurationError
from brpnas.spaces.nasbench101.canonical import sources_of
from brpnas.spaces.nasbench101.cell import labels_of
from brpnas.spaces.nasbench101.layers import Cell, conv_block
from brpnas.spaces.nasbench101.notation import read_cell
from tests.spaces.nasbench101 import slow


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def make(arch_id: str, channels_in: int, channels_out: int) -> Cell:
    key = read_cell(arch_id)
    return Cell(sources_of(key), labels_of(key), channels_in, channels_out).eval()


def literal(cell: Cell, arch_id: str, x: Tensor, channels_out: int) -> Tensor:
    """The definition, over the matrix, node by node."""
    matrix, labels = slow.cell_of(read_cell(arch_id))
    channels = slow.channels(matrix, x.shape[1], channels_out)
    values = {0: x}
    for node in range(1, len(matrix) - 1):
        total = torch.zeros(x.shape[0], channels[node], *x.shape[2:])
        for source in range(node):
            if matrix[source][node]:
                value = values[source]
                whole = cell.projections[str(node)](value) if source == 0 else value
                total += whole[:, : channels[node]]
        if labels[node - 1] == 2:
            values[node] = torch.nn.functional.max_pool2d(total, 3, 1, 1)
        else:
            values[node] = cell.operations[node - 1](total)
    inner = [values[node] for node in range(1, len(matrix) - 1) if matrix[node][-1]]
    out = torch.cat(inner, 1) if inner else torch.zeros(())
    return out + cell.projections[str(len(matrix) - 1)](x) if matrix[0][-1] else out


@pytest.mark.parametrize("sizes", [(4, 4), (3, 6), (8, 16), (5, 7)])
@pytest.mark.parametrize(
    "arch_id",
    [
        "output~0",
        "maxpool3x3~0|output~1",
        "conv3x3~0|output~01",
        "conv3x3~0|conv1x1~0|maxpool3x3~12|output~0123",
        "conv3x3~0|conv1x1~1|maxpool3x3~12|output~23",
        "conv1x1~0|conv3x3~1|maxpool3x3~1|conv3x3~13|output~234",
    ],
)
def test_against_the_definition(arch_id: str, sizes: tuple[int, int]) -> None:
    cell = make(arch_id, *sizes)
    x = torch.randn(2, sizes[0], 5, 6)
    found = cell(x)
    assert found.shape == (2, sizes[1], 5, 6)
    torch.testing.assert_close(found, literal(cell, arch_id, x, sizes[1]))


def test_a_node_with_one_channel_too_many_loses_it() -> None:
    """Three nodes share 4 channels as 2, 1, 1, and the first feeds the second as well."""
    arch_id = "maxpool3x3~0|maxpool3x3~1|maxpool3x3~1|output~123"
    cell = make(arch_id, 4, 4)
    assert cell.channels == [4, 2, 1, 1, 4]
    x = torch.randn(1, 4, 3, 3)
    torch.testing.assert_close(cell(x), literal(cell, arch_id, x, 4))


def test_convolution_normalisation_relu() -> None:
    block = conv_block(2, 3, 3).eval()
    x = torch.randn(1, 2, 4, 4)
    plain = torch.nn.functional.conv2d(x, block[0].weight, padding=1)
    torch.testing.assert_close(block(x), (plain / (1 + 1e-5) ** 0.5).clamp(min=0))


def test_too_few_channels() -> None:
    with pytest.raises(ConfigurationError, match=r" 2 channels .* channels to 3\b"):
        make("conv3x3~0|conv3x3~0|conv3x3~0|output~123", 2, 2)
