"""File size and live activations against exported files."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.export import export_network
from brpnas.spaces import get_space
from brpnas.spaces.network import NetworkConfig
from tests.spaces.live import live_bytes

SPACE = get_space("darts")
SIZES = [
    pytest.param(NetworkConfig(8, 1, 3, (3, 16, 16), 10, False), marks=pytest.mark.slow),
    pytest.param(NetworkConfig(6, 1, 2, (1, 15, 13), 4, False), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("config", SIZES, ids=lambda config: config.size)
def test_equals_the_exported_file(config, tmp_path):
    arch_ids = SPACE.sample(np.random.default_rng(config.channels), 2)
    files, activations = SPACE.memory(arch_ids, config)
    for arch_id, size, live in zip(arch_ids, files, activations, strict=True):
        path = tmp_path / "network.onnx"
        export_network(arch_id, path, config, space=SPACE.name)
        assert live == live_bytes(path)
        assert size == pytest.approx(path.stat().st_size, rel=0.02, abs=3000)
