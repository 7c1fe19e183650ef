"""The macro network: its published size, its shapes, its gradients."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from brpnas.errors import ArchitectureError, ConfigurationError
from brpnas.spaces import NasBench101
from brpnas.spaces.nasbench101.build import MacroNetwork, build_network
from brpnas.spaces.nasbench101.cell import to_strings
from brpnas.spaces.network import NetworkConfig
from tests.spaces.nasbench101.slow import graphs_file, key_of

CELL = "conv3x3~0|maxpool3x3~0|conv1x1~12|output~03"
SMALL = NetworkConfig(channels=8, cells_per_stage=1, stages=2, input_shape=(3, 8, 8))


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def assert_published(mirror: Path, rows: range) -> None:
    content, cells = graphs_file(mirror)
    arch_ids = to_strings([key_of(cells[row]) for row in rows])
    with torch.device("meta"):  # counting takes no memory for weights
        found = [parameters(build_network(arch_id)) for arch_id in arch_ids]
    assert found == [content["trainable_parameters"][row] for row in rows]


@pytest.mark.data
def test_some_published_parameters(mirror: Path) -> None:
    assert_published(mirror, range(0, 1000, 50))


@pytest.mark.slow
@pytest.mark.data
def test_all_published_parameters(mirror: Path) -> None:
    assert_published(mirror, range(1000))


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 28, 28), (2, 7, 9), (3, 1, 1)])
def test_logits_have_the_shape_of_the_classes(shape: tuple[int, int, int]) -> None:
    config = NetworkConfig(channels=8, cells_per_stage=1, stages=3, input_shape=shape, classes=7)
    for arch_id in (CELL, "output~0"):
        assert build_network(arch_id, config).eval()(torch.randn(2, *shape)).shape == (2, 7)


def test_images_are_halved_and_channels_doubled_between_stages() -> None:
    network = build_network(CELL, NetworkConfig(channels=8, cells_per_stage=3, stages=3))
    features = network.stages(network.stem(torch.randn(1, 3, 32, 32)))
    assert features.shape == (1, 32, 8, 8)


def test_gradients_reach_every_parameter() -> None:
    network = build_network(CELL, SMALL)
    network(torch.randn(4, 3, 8, 8)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_dead_operations_make_no_difference() -> None:
    lean = NetworkConfig(
        channels=8, cells_per_stage=1, stages=2, input_shape=(3, 8, 8), executes_dead_ops=False
    )
    assert parameters(build_network(CELL, lean)) == parameters(build_network(CELL, SMALL))


def test_the_space_builds_and_counts_the_same() -> None:
    space = NasBench101()
    for arch_id in space.sample(np.random.default_rng(0), 5):
        network = space.build(arch_id, SMALL)
        assert isinstance(network, MacroNetwork)
        params, _ = space.cost([arch_id], SMALL)
        assert params.tolist() == [parameters(network)]


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(ArchitectureError, match=r"'conv3x4'.* 'conv3x3'\?"):
        build_network(CELL.replace("conv3x3", "conv3x4"))
    with pytest.raises(ConfigurationError, match=r" 1 channels .* channels to 2\b"):
        build_network("conv3x3~0|conv3x3~0|output~12", NetworkConfig(channels=1))


def test_the_space_does_not_import_torch() -> None:
    code = "import sys, brpnas.spaces.nasbench101; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
