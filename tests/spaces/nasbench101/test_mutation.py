"""Neighbours equal those of the definition."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.spaces.nasbench101.cell import to_strings
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.mutation import neighbours
from brpnas.spaces.nasbench101.notation import read_cell
from tests.spaces.nasbench101 import slow


@pytest.mark.parametrize("nodes", range(2, 8))
def test_against_the_definition(nodes: int) -> None:
    keys = all_keys()
    keys = keys[keys >> 32 == nodes]
    for key in np.random.default_rng(0).choice(keys, 6).tolist():
        assert list(neighbours(key)) == sorted(slow.neighbours(key))


def test_the_smallest_cell_can_only_grow() -> None:
    assert to_strings(neighbours(read_cell("output~0"))) == [
        "conv3x3~0|output~01",
        "conv1x1~0|output~01",
        "maxpool3x3~0|output~01",
    ]


def test_growing_is_undone_by_removing_an_edge() -> None:
    """So a search can go back: what adds a node leads to cells that lead back."""
    keys = all_keys()
    for key in np.random.default_rng(1).choice(keys[keys >> 32 < 7], 20).tolist():
        larger = [other for other in neighbours(key) if other >> 32 > key >> 32]
        assert all(key in neighbours(other) for other in larger)


def test_every_small_cell_can_be_reached() -> None:
    keys = all_keys()
    small = set(keys[keys >> 32 <= 4].tolist())
    found, new = {min(small)}, [min(small)]
    while new:
        after = (set(neighbours(new.pop())) & small) - found
        found |= after
        new += after
    assert found == small
