from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from brpnas.errors import ArchitectureError
from brpnas.graphs import BLANK
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201.cell import live_edges
from brpnas.spaces.nasbench201.layers import Cell, Reduction


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_a_cell_sums_what_its_edges_bring() -> None:
    """Against the definition, edge by edge, with the modules' own weights."""
    x = torch.randn(2, 4, 5, 5)
    cell = Cell((2, 3, 4, 1, 2, 0), 4, executes_dead_ops=True).eval()
    op = cell.operations
    one = op["0to1"](x)
    two = op["0to2"](x) + op["1to2"](one)
    expected = x + op["1to3"](one) + 0.0 * two
    torch.testing.assert_close(cell(x), expected)


def test_pooling_ignores_the_padding() -> None:
    cell = Cell((0, 0, 0, 4, 0, 0), 1, executes_dead_ops=False)
    torch.testing.assert_close(cell(torch.ones(1, 1, 4, 4)), torch.ones(1, 1, 4, 4))


@pytest.mark.parametrize("dead", [True, False])
def test_a_cell_without_a_path_gives_zeros(dead: bool) -> None:
    x = torch.randn(2, 4, 5, 5)
    for codes in ((0,) * 6, (3, 3, 3, 0, 0, 0), (0, 0, 3, 0, 3, 3)):
        out = Cell(codes, 4, executes_dead_ops=dead).eval()(x)
        torch.testing.assert_close(out, torch.zeros_like(x))


def live_by_paths(codes: tuple[int, ...]) -> tuple[bool, ...]:
    """The oracle: an edge is live if it is on one of the four paths without `none`."""
    paths = [(3,), (0, 4), (1, 5), (0, 2, 5)]
    whole = [path for path in paths if all(codes[edge] for edge in path)]
    return tuple(any(edge in path for path in whole) for edge in range(6))


def test_live_edges_against_all_paths() -> None:
    for codes in itertools.product((0, 1, 3), repeat=6):
        assert live_edges(codes) == live_by_paths(codes), codes


def test_live_edges_agree_with_the_pruned_graphs() -> None:
    space = NasBench201()
    arch_ids = space.sample(np.random.default_rng(3), 500)
    ops = space.encode(arch_ids, "pruned").ops[:, 2:-1]
    codes = space.codes(arch_ids)
    live = np.array([live_edges(row) for row in codes])
    np.testing.assert_array_equal(ops != BLANK, live & (codes != 1))


def test_live_edges_refuse_what_is_no_cell() -> None:
    with pytest.raises(ArchitectureError, match="6 codes"):
        live_edges((0, 1, 2))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 8), (5, 9), (1, 1)])
def test_reductions_halve_rounding_up(height: int, width: int) -> None:
    block = Reduction(4, odd=bool(height % 2 or width % 2)).eval()
    expected = (2, 8, (height + 1) // 2, (width + 1) // 2)
    assert block(torch.randn(2, 4, height, width)).shape == expected


def test_a_reduction_adds_shortcut_and_body() -> None:
    block = Reduction(2, odd=False).eval()
    x = torch.randn(1, 2, 4, 4)
    pooled = x.reshape(1, 2, 2, 2, 2, 2).mean((3, 5))
    shortcut = torch.einsum("bchw,oc->bohw", pooled, block.shortcut[1].weight[:, :, 0, 0])
    torch.testing.assert_close(block(x) - block.body(x), shortcut)
