from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from brpnas.measure.runner import SOFTWARE
from brpnas.measure.runtimes import TorchEager
from brpnas.spaces import get_space
from brpnas.spaces.nasbench201.build import build_network
from tests.measure.small import NETWORK
from tests.seeds import first_of

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_3x3~1|none~2|"
"""Its second convolution reaches no output."""


@pytest.mark.parametrize("dead", [True, False])
def test_the_file_holds_the_operations_that_the_module_calls(dead: bool, tmp_path: Path) -> None:
    module = build_network(CELL, replace(NETWORK, executes_dead_ops=dead)).eval()
    (file,) = TorchEager().convert(module, torch.zeros(1, *NETWORK.input_shape), tmp_path)
    with np.load(file) as arrays:
        text = arrays["graph"].tobytes().decode()
    convolutions = sum(isinstance(layer, nn.Conv2d) for layer in module.modules())
    assert text.count("aten.conv2d.default") == convolutions


@pytest.mark.parametrize("space", first_of(["nasbench101", "darts"]))
def test_networks_of_every_space_are_recorded_bit_for_bit(space: str, tmp_path: Path) -> None:
    """Those of DARTS read the size of the image in Python."""
    known = get_space(space)
    config = replace(known.published, channels=8, cells_per_stage=1, executes_dead_ops=True)
    (cell,) = known.sample(np.random.default_rng(0), 1)
    module = known.build(cell, config).eval()
    image = torch.randn(1, *config.input_shape, generator=torch.Generator().manual_seed(0))
    files = TorchEager().convert(module, image, tmp_path)
    run = SOFTWARE["torch"].load([str(file) for file in files], image.numpy(), 1, "cpu", "fp32")
    with torch.inference_mode():
        assert np.array_equal(run(), module(image).numpy())
