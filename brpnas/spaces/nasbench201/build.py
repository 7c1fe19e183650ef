"""The NAS-Bench-201 macro network in torch.

`build_network` makes the network around a cell: stem, stages of cells joined by residual
reductions, head. Import this module explicitly: the package does not, so spaces work without torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from brpnas.spaces.nasbench201.cell import from_string, validate_codes
from brpnas.spaces.nasbench201.layers import Cell, Reduction
from brpnas.spaces.network import NetworkConfig

__all__ = ["MacroNetwork", "build_network"]


class MacroNetwork(nn.Module):
    """Stem, stages, head of NAS-Bench-201 (Dong & Yang, ICLR 2020, arXiv 2001.00326).

    Maps images ``[B, *input_shape]`` to logits ``[B, classes]``. Use `build_network` to make one
    from an architecture string.

    Args:
        codes: Six operation codes of the cell.
        config: Sizes of the network.

    Raises:
        ArchitectureError: If the codes are not a cell.
    """

    def __init__(self, codes: Sequence[int], config: NetworkConfig) -> None:
        super().__init__()
        cell = validate_codes(codes)
        colours, height, width = config.input_shape
        channels = config.channels
        self.stem = nn.Sequential(
            nn.Conv2d(colours, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        blocks: list[nn.Module] = []
        for stage in range(config.stages):
            if stage:
                blocks.append(Reduction(channels, odd=bool(height % 2 or width % 2)))
                channels, height, width = 2 * channels, (height + 1) // 2, (width + 1) // 2
            blocks += [
                Cell(cell, channels, config.executes_dead_ops)
                for _ in range(config.cells_per_stage)
            ]
        self.stages = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.classifier = nn.Linear(channels, config.classes)

    def forward(self, image: Tensor) -> Tensor:
        """Logits ``[B, classes]`` of images ``[B, channels, height, width]``."""
        features = self.last(self.stages(self.stem(image)))
        logits: Tensor = self.classifier(torch.flatten(features, 1))
        return logits


def build_network(arch_id: str, config: NetworkConfig | None = None) -> MacroNetwork:
    """Make the network of an architecture, with torch's default initial weights.

    By default the published network on CIFAR-10.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.

    Examples:
        >>> conv = "nor_conv_3x3"
        >>> net = build_network(f"|{conv}~0|+|{conv}~0|{conv}~1|+|{conv}~0|{conv}~1|{conv}~2|")
        >>> sum(p.numel() for p in net.parameters())
        1531546
    """
    return MacroNetwork(from_string(arch_id), config or NetworkConfig())
