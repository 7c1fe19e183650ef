"""Programs on their way to a converter."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn

from brpnas.export import initialise_weights
from brpnas.measure.runtimes.exported import export_program, load_folded
from tests.measure.runtimes.networks import TINY, cell_network


def folded(network: nn.Module, images: Tensor, folder: Path) -> fx.GraphModule:
    torch.export.save(export_program(network, images), folder / "network.pt2")
    module, example = load_folded(folder / "network.pt2")
    assert torch.equal(example, images)
    with torch.no_grad():
        torch.testing.assert_close(module(images), network(images), rtol=1e-4, atol=1e-4)
    return module


def normalisations(module: fx.GraphModule) -> int:
    return sum("batch_norm" in str(node.target) for node in module.graph.nodes)


def test_normalisations_after_convolutions_are_folded(tmp_path: Path) -> None:
    network = cell_network(3, 2, 4, 1, 0, 3)
    images = torch.randn(1, *TINY.input_shape, generator=torch.Generator().manual_seed(0))
    assert normalisations(folded(network, images, tmp_path)) == 1  # the one before the head


class Shared(nn.Module):
    """A convolution, with a bias, that two layers read."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 3, 3, bias=True)
        self.normalisation = nn.BatchNorm2d(3)
        self.shared = shared

    def forward(self, image: Tensor) -> Tensor:
        found = self.convolution(image)
        return self.normalisation(found) + (found if self.shared else 0.0)


@pytest.mark.parametrize("shared", [True, False])
def test_a_convolution_that_others_read_is_kept(shared: bool, tmp_path: Path) -> None:
    network = Shared(shared).eval()
    initialise_weights(network, (2, 5, 5), seed=0)
    images = torch.randn(2, 2, 5, 5, generator=torch.Generator().manual_seed(0))
    assert normalisations(folded(network, images, tmp_path)) == int(shared)
