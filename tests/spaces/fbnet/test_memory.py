"""File size and live activations against exported files."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.export import export_network
from brpnas.spaces import get_space
from brpnas.spaces.network import NetworkConfig
from tests.spaces.fbnet.examples import FBNET_C, chain_of
from tests.spaces.live import live_bytes

SPACE = get_space("fbnet")
SIZES = [
    pytest.param(NetworkConfig(16, 4, 7, (3, 32, 32), 100, False), marks=pytest.mark.slow),
    pytest.param(NetworkConfig(4, 4, 7, (1, 65, 71), 4, False), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("config", SIZES, ids=lambda config: config.size)
def test_equals_the_exported_file(config, tmp_path):
    arch_ids = SPACE.sample(np.random.default_rng(config.channels), 2)
    files, activations = SPACE.memory(arch_ids, config)
    for arch_id, size, live in zip(arch_ids, files, activations, strict=True):
        path = tmp_path / "network.onnx"
        export_network(arch_id, path, config, space=SPACE.name, tolerance=1e-4)
        assert live == live_bytes(path)
        assert size == pytest.approx(path.stat().st_size, rel=0.02)


def test_the_widest_block_decides():
    """Expanded maps before and after a ReLU: the largest of the second stage, on 32 x 32 pixels."""
    names = ["skip"] * 22
    names[2] = "k3_e6"
    _, (live,) = SPACE.memory(["-".join(names)])
    inner, kept = 24 * 6 * 32 * 32, 24 * 32 * 32
    assert live == 4 * (2 * inner + kept)


def test_orders_and_nothing():
    files, activations = SPACE.memory([chain_of("skip"), chain_of("k5_e1_g2"), FBNET_C])
    assert (np.diff(files) > 0).all()
    assert (np.diff(activations) > 0).all()
    assert [part.shape for part in SPACE.memory([])] == [(0,), (0,)]
