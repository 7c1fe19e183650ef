"""The DARTS network in torch.

`build_network` makes the network around the two cells: stem, cells, head; for training also drop
path and an auxiliary head. Import this module explicitly: the package does not, so spaces work
without torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from brpnas.errors import ConfigurationError
from brpnas.spaces.darts.cell import CELLS, NODES, node_decisions, node_numbers
from brpnas.spaces.darts.layers import AuxiliaryHead, Cell, Edge
from brpnas.spaces.network import NetworkConfig

__all__ = ["DartsNetwork", "build_network"]

_STEM = 3
"""Channels of the stem, in channels of the first stage."""


class DartsNetwork(nn.Module):
    """Stem, cells, head of DARTS on CIFAR-10 (Liu et al., ICLR 2019, arXiv 1806.09055).

    Maps images ``[B, *input_shape]`` to logits ``[B, classes]``. Use `build_network` to make one
    from an architecture string.

    Args:
        cells: The four nodes of the normal and of the reduction cell, each two edges: pairs of
            operation code and input.
        config: Sizes: ``stages`` times ``cells_per_stage`` normal cells, with a reduction cell
            between two stages. It has no dead operations, so `executes_dead_ops` is ignored.

    Attributes:
        drop_path: Probability in training of dropping the result of an operation, except the
            identity, for each image; initially 0. The published schedule rises from 0 to 0.2.
    """

    def __init__(self, cells: Sequence[Sequence[Sequence[Edge]]], config: NetworkConfig) -> None:
        super().__init__()
        colours, height, width = config.input_shape
        channels = config.channels
        before = last = _STEM * channels
        self.config = config
        self.drop_path = 0.0
        self.auxiliary: AuxiliaryHead | None = None
        self.stem = nn.Sequential(
            nn.Conv2d(colours, last, 3, padding=1, bias=False), nn.BatchNorm2d(last)
        )
        kinds = [
            stage > 0 and position == 0
            for stage in range(config.stages)
            for position in range(config.cells_per_stage + (stage > 0))
        ]
        self._branches_after = 2 * len(kinds) // 3
        blocks: list[nn.Module] = []
        after_reduction = False
        for i, reduction in enumerate(kinds):
            if reduction:
                channels, height, width = 2 * channels, (height + 1) // 2, (width + 1) // 2
            inputs = (before, last)
            blocks.append(Cell(cells[reduction], inputs, channels, reduction, after_reduction))
            before, last, after_reduction = last, NODES * channels, reduction
            if i == self._branches_after:
                self._branch = last, (height, width)
        self.cells = nn.ModuleList(blocks)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(last, config.classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``[B, classes]`` of images ``[B, channels, height, width]``."""
        return self._features(image)[0]

    def add_auxiliary(self) -> None:
        """Add an auxiliary head with fresh weights after two thirds of the cells."""
        inputs, size = self._branch
        self.auxiliary = AuxiliaryHead(inputs, size, self.config.classes)

    def remove_auxiliary(self) -> None:
        """Remove the auxiliary head after training, to the `state_dict` of `build`."""
        self.auxiliary = None

    def forward_auxiliary(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the head and of the auxiliary head, both ``[B, classes]``.

        The published training loss is the loss of the first plus 0.4 times the loss of the second.

        Raises:
            ConfigurationError: Without an auxiliary head, see `add_auxiliary`.
        """
        if self.auxiliary is None:
            raise ConfigurationError("The network has no auxiliary head: call add_auxiliary first.")
        logits, branch = self._features(image)
        auxiliary: Tensor = self.auxiliary(branch)
        return logits, auxiliary

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and the feature map for the auxiliary head."""
        before = last = branch = self.stem(image)
        for i, cell in enumerate(self.cells):
            before, last = last, cell(before, last, self.drop_path)
            if i == self._branches_after:
                branch = last
        logits: Tensor = self.classifier(torch.flatten(self.pool(last), 1))
        return logits, branch


def build_network(arch_id: str, config: NetworkConfig | None = None) -> DartsNetwork:
    """Make the network of an architecture, with torch's default initial weights.

    By default the published network on CIFAR-10, 36 channels and 20 cells.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.
    """
    decisions = node_decisions(node_numbers([arch_id]))[0].tolist()
    cells = [
        [[(op, source) for op, source in edges] for edges in decisions[cell]]
        for cell in range(len(CELLS))
    ]
    return DartsNetwork(cells, config or NetworkConfig(channels=36, cells_per_stage=6, stages=3))
