"""Counted cost of networks equals the published one, and a loop over layers."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.spaces.nasbench201 import NasBench201
from brpnas.spaces.nasbench201.build import MacroNetwork
from brpnas.spaces.nasbench201.cost import cost
from brpnas.spaces.network import NetworkConfig
from tests.spaces.counted import counted


def _slow(
    codes: tuple[int, ...], channels: int, cells: int, classes: int, image: int
) -> tuple[int, int]:
    """Walk through the network layer by layer."""
    params = flops = 0

    def conv(inside: int, outside: int, kernel: int, size: int, norm: bool = True) -> None:
        nonlocal params, flops
        weights = inside * outside * kernel * kernel
        params += weights + (2 * outside if norm else 0)
        flops += weights * size * size

    conv(3, channels, 3, image)
    width, size = channels, image
    for stage in range(3):
        if stage:
            size //= 2
            conv(width, 2 * width, 3, size)
            conv(2 * width, 2 * width, 3, size)
            conv(width, 2 * width, 1, size, norm=False)
            width *= 2
        for _ in range(cells):
            for code in codes:
                if code in (2, 3):
                    conv(width, width, {2: 1, 3: 3}[code], size)
    params += 2 * width + width * classes + classes
    flops += width * classes + classes
    return params, flops


@pytest.mark.parametrize(
    ("codes", "params", "flops"),
    [
        ((3, 3, 3, 3, 3, 3), 1_531_546, 220_119_690),  # the published extremes
        ((0, 0, 0, 0, 0, 0), 73_306, 7_783_050),
        ((4, 2, 1, 2, 1, 1), 129_306, 15_647_370),  # the published index 0
    ],
)
def test_published_figures(codes: tuple[int, ...], params: int, flops: int) -> None:
    found = cost(np.array([codes]))
    assert (found[0].item(), found[1].item()) == (params, flops)


@pytest.mark.parametrize(
    "shape", [(16, 5, 10, 32), (16, 5, 120, 16), (8, 1, 10, 32), (5, 3, 7, 28), (64, 2, 1000, 224)]
)
def test_against_a_loop_over_layers(shape: tuple[int, int, int, int]) -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, (30, 6)).astype(np.int8)
    channels, cells, classes, image = shape
    params, flops = cost(
        codes, channels=channels, cells_per_stage=cells, classes=classes, image=image
    )
    expected = [_slow(tuple(c.tolist()), *shape) for c in codes]
    assert list(zip(params.tolist(), flops.tolist(), strict=True)) == expected


def test_whole_space() -> None:
    space = NasBench201()
    params, flops = cost(space.codes(space.enumerate()))
    assert params.shape == flops.shape == (15_625,)
    assert len(np.unique(params)) == len(np.unique(flops)) == 28  # pairs of 1x1 and 3x3 counts


def test_no_cells() -> None:
    params, flops = cost(np.empty((0, 6), np.int8))
    assert params.shape == flops.shape == (0,)


def test_order_of_edges_and_weightless_operations_do_not_matter() -> None:
    one, other = cost(np.array([[3, 0, 2, 1, 4, 3]])), cost(np.array([[1, 3, 3, 4, 2, 4]]))
    assert one == other


@pytest.mark.parametrize(
    ("config", "image"),
    [
        (NetworkConfig(), 32),
        (NetworkConfig(channels=4, cells_per_stage=1, stages=1, input_shape=(1, 8, 8)), 8),
        (NetworkConfig(channels=3, cells_per_stage=2, stages=4, input_shape=(2, 15, 15)), 15),
        (NetworkConfig(channels=2, cells_per_stage=1, stages=5, input_shape=(4, 9, 9)), 9),
        (NetworkConfig(channels=8, cells_per_stage=1, input_shape=(1, 28, 28), classes=7), 28),
    ],
)
@pytest.mark.parametrize("codes", [(3, 0, 2, 1, 4, 3), (0,) * 6, (2, 3, 2, 3, 2, 3)])
def test_against_the_torch_module(
    config: NetworkConfig, image: int, codes: tuple[int, ...]
) -> None:
    params, flops = cost(
        np.array([codes]),
        channels=config.channels,
        cells_per_stage=config.cells_per_stage,
        classes=config.classes,
        image=image,
        stages=config.stages,
        colours=config.input_shape[0],
    )
    network = MacroNetwork(codes, config)
    assert (params.item(), flops.item()) == counted(network, config.input_shape)


@pytest.mark.parametrize(
    "wrong", ["image", "channels", "cells_per_stage", "classes", "stages", "colours"]
)
def test_impossible_sizes(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{wrong}=0"):
        cost(np.zeros((1, 6), np.int8), **{wrong: 0})
