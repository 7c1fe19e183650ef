from __future__ import annotations

from pathlib import Path

import torch

from brpnas.measure.runtimes import OpenVino
from tests.measure.runtimes.networks import TINY, cell_network, installed


def test_weights_are_stored_as_computed(tmp_path: Path) -> None:
    sizes = {}
    for precision in ("fp32", "fp16"):
        folder = tmp_path / precision
        folder.mkdir()
        image = torch.zeros(1, *TINY.input_shape)
        runtime = installed(OpenVino(precision=precision))
        layers, weights = runtime.convert(cell_network(3, 2, 4, 1, 0, 3), image, folder)
        assert layers.with_suffix(".bin") == weights
        sizes[precision] = weights.stat().st_size
    assert 0.4 < sizes["fp16"] / sizes["fp32"] < 0.7
