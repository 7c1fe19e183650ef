"""File size and live activations against exported files."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.export import export_network
from brpnas.spaces import get_space
from brpnas.spaces.network import NetworkConfig
from tests.spaces.live import live_bytes

SPACE = get_space("nasbench101")
SLOW = [NetworkConfig(16, 2, 3, (3, 16, 16), 10, False)]
QUICK = NetworkConfig(10, 1, 2, (1, 15, 15), 4, False)
CASES = [
    *(pytest.param(size, 4, id=size.size, marks=pytest.mark.slow) for size in SLOW),
    pytest.param(QUICK, 1, id=QUICK.size),
]


@pytest.mark.parametrize(("config", "count"), CASES)
def test_equals_the_exported_file(config, count, tmp_path):
    arch_ids = ["output~0", *SPACE.sample(np.random.default_rng(config.channels), count)]
    files, activations = SPACE.memory(arch_ids, config)
    for arch_id, size, live in zip(arch_ids, files, activations, strict=True):
        path = tmp_path / "network.onnx"
        export_network(arch_id, path, config, space=SPACE.name)
        assert live == live_bytes(path)
        assert size == pytest.approx(path.stat().st_size, rel=0.01, abs=3000)
