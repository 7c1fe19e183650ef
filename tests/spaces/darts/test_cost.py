"""Arithmetic against built networks, counted by hooks, and against a layer-by-layer count."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.spaces.darts import Darts
from brpnas.spaces.darts.build import build_network
from brpnas.spaces.network import NetworkConfig
from tests.spaces.counted import counted
from tests.spaces.darts.examples import DARTS_V2_ID, PC_DARTS, chain_of
from tests.spaces.darts.slow import read

SIZES = [
    NetworkConfig(channels=6, cells_per_stage=1, stages=3, input_shape=(3, 16, 16)),
    NetworkConfig(channels=4, cells_per_stage=2, stages=2, input_shape=(1, 8, 8), classes=5),
    NetworkConfig(channels=4, cells_per_stage=1, stages=3, input_shape=(2, 9, 7), classes=3),
    NetworkConfig(channels=5, cells_per_stage=3, stages=1, input_shape=(3, 5, 6)),
]


@pytest.mark.parametrize("config", SIZES)
def test_equals_what_built_networks_hold_and_do(rng_sample, config):
    arch_ids = [DARTS_V2_ID, chain_of("skip"), chain_of("dil5"), *rng_sample[:5]]
    params, flops = Darts().cost(arch_ids, config)
    expected = [counted(build_network(a, config), config.input_shape) for a in arch_ids]
    assert list(zip(params.tolist(), flops.tolist(), strict=True)) == expected


def by_hand(arch_id: str, channels: int, layers: int) -> int:
    """Parameters on CIFAR-10, operation by operation, for reductions at one and two thirds."""

    def separable(c: int, kernel: int) -> int:
        return c * kernel * kernel + c * c + 2 * c  # depthwise, pointwise, normalisation

    def of(name: str, c: int, strided: bool) -> int:
        kernel = 3 if name.endswith("3") else 5
        if name.startswith("sep"):
            return 2 * separable(c, kernel)
        if name.startswith("dil"):
            return separable(c, kernel)
        return c * c + 2 * c if name == "skip" and strided else 0

    normal, reduce = read(arch_id)
    before = last = 3 * channels
    total = 3 * last * 9 + 2 * last
    c = channels
    for layer in range(layers):
        reduction = layer in (layers // 3, 2 * layers // 3)
        c *= 2 if reduction else 1
        total += before * c + 2 * c + last * c + 2 * c
        for node in reduce if reduction else normal:
            total += sum(of(name, c, reduction and source < 2) for name, source in node)
        before, last = last, 4 * c
    return total + last * 10 + 10


def test_the_published_network():
    """3.3 million parameters (Liu et al., table 1), 3,349,342 by the published code."""
    network = build_network(DARTS_V2_ID)
    assert sum(p.numel() for p in network.parameters()) == 3_349_342
    assert by_hand(DARTS_V2_ID, 36, 20) == 3_349_342
    pc_darts = Darts().read(PC_DARTS)
    assert Darts().cost([pc_darts])[0].tolist() == [by_hand(pc_darts, 36, 20)]
    assert round(by_hand(pc_darts, 36, 20) / 1e6, 1) == 3.6  # published: 3.6 million


@pytest.mark.parametrize(("channels", "layers"), [(36, 20), (16, 8), (4, 5)])
def test_parameters_follow_the_layers(rng_sample, channels, layers):
    config = NetworkConfig(channels=channels, cells_per_stage=(layers - 2) // 3, stages=3)
    params, _ = Darts().cost(rng_sample[:50], config)
    assert params.tolist() == [by_hand(a, channels, layers) for a in rng_sample[:50]]


def test_no_architectures_cost_nothing():
    assert [part.shape for part in Darts().cost([])] == [(0,), (0,)]
    assert np.isfinite(Darts().cost([DARTS_V2_ID])[1]).all()
