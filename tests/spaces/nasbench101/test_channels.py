"""Channels of nodes: shared at the output, and never fewer than those of the nodes they feed."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.spaces.nasbench101.canonical import sources_of
from brpnas.spaces.nasbench101.channels import node_channels
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.notation import read_cell
from tests.spaces.nasbench101 import slow


@pytest.mark.parametrize("sizes", [(128, 128), (128, 256), (7, 14), (5, 5)])
def test_against_the_definition(sizes: tuple[int, int]) -> None:
    for key in np.random.default_rng(0).choice(all_keys(), 300).tolist():
        expected = slow.channels(slow.cell_of(key)[0], *sizes)
        assert node_channels(sources_of(key), *sizes) == expected


def test_the_first_nodes_take_one_more() -> None:
    key = read_cell("conv3x3~0|conv3x3~0|conv3x3~0|maxpool3x3~13|output~0124")
    assert sources_of(key)[-1].bit_count() == 4
    found = node_channels(sources_of(key), 16, 16)
    shared = [found[i] for i in range(1, 5) if sources_of(key)[-1] >> i & 1]
    assert shared == [6, 5, 5]


def test_without_inner_nodes() -> None:
    assert node_channels([0, 1], 3, 9) == [3, 9]


def test_too_few_channels() -> None:
    sources = sources_of(read_cell("conv3x3~0|conv3x3~0|conv3x3~0|output~123"))
    assert node_channels(sources, 3, 3) == [3, 1, 1, 1, 3]
    with pytest.raises(ConfigurationError, match=r" 2 channels .* channels to 3\b"):
        node_channels(sources, 2, 2)
