"""Counted cost of networks equals the published one, and the cost in torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.spaces.nasbench101 import NasBench101
from brpnas.spaces.nasbench101.build import MacroNetwork
from brpnas.spaces.nasbench101.cost import cost
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.notation import read_cell
from brpnas.spaces.network import NetworkConfig
from tests.spaces.counted import counted
from tests.spaces.nasbench101.slow import graphs_file, key_of


@pytest.mark.data
def test_the_1000_published_counts(mirror: Path) -> None:
    content, cells = graphs_file(mirror)
    params, _ = cost([key_of(cell) for cell in cells], NasBench101.published)
    assert params.tolist() == content["trainable_parameters"]


def test_the_published_extremes() -> None:
    params, flops = cost(all_keys(), NasBench101.published)
    assert params.shape == flops.shape == (423_624,)
    assert (params.min(), params.max()) == (227_274, 49_979_274)


def test_no_cells() -> None:
    params, flops = cost([], NasBench101.published)
    assert params.shape == flops.shape == (0,)


@pytest.mark.parametrize(
    "config",
    [
        NasBench101.published,
        NetworkConfig(channels=5, cells_per_stage=1, stages=1, input_shape=(1, 8, 8)),
        NetworkConfig(channels=6, cells_per_stage=2, stages=4, input_shape=(2, 15, 9), classes=3),
        NetworkConfig(channels=7, cells_per_stage=3, stages=2, input_shape=(3, 7, 7)),
    ],
    ids=["published", "one cell", "odd", "seven"],
)
@pytest.mark.parametrize(
    "arch_id",
    [
        "output~0",
        "conv3x3~0|output~01",
        "conv3x3~0|maxpool3x3~0|conv1x1~12|output~0123",
        "maxpool3x3~0|conv3x3~0|conv3x3~12|conv1x1~1|conv3x3~3|output~45",
    ],
)
def test_against_the_torch_module(arch_id: str, config: NetworkConfig) -> None:
    params, flops = cost([read_cell(arch_id)], config)
    network = MacroNetwork(read_cell(arch_id), config)
    assert (params.item(), flops.item()) == counted(network, config.input_shape)


def test_many_as_one_by_one() -> None:
    keys = np.random.default_rng(0).choice(all_keys(), 50)
    together = cost(keys, NasBench101.published)
    for i, key in enumerate(keys.tolist()):
        alone = cost([key], NasBench101.published)
        assert (alone[0][0], alone[1][0]) == (together[0][i], together[1][i])


def test_too_few_channels() -> None:
    key = read_cell("conv3x3~0|conv3x3~0|conv3x3~0|conv3x3~0|output~1234")
    assert cost([key], NetworkConfig(channels=4))[0].shape == (1,)
    with pytest.raises(ConfigurationError, match=r" 3 channels .* channels to 4\b"):
        cost([key], NetworkConfig(channels=3))
