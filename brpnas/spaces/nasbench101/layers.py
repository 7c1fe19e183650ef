"""The building blocks of the NAS-Bench-101 network in torch.

`conv_block` is the convolution of the benchmark, `Cell` one cell. `brpnas.spaces.nasbench101.build`
assembles them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from brpnas.spaces.nasbench101.cell import SHORT_NAMES
from brpnas.spaces.nasbench101.channels import node_channels

__all__ = ["Cell", "conv_block"]


def conv_block(channels_in: int, channels_out: int, kernel: int) -> nn.Sequential:
    """Convolution without bias, batch normalisation, ReLU; height and width are unchanged."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def _operation(label: int, channels: int) -> nn.Module:
    name = SHORT_NAMES[label]
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, stride=1, padding=1)
    return conv_block(channels, channels, 3 if name == "conv3x3" else 1)


class Cell(nn.Module):
    """One cell: ``[B, channels_in, H, W]`` to ``[B, channels_out, H, W]``.

    A 1x1 convolution projects the cell's input to the channels of each target. Features of another
    node lose surplus last channels. Nodes sum their inputs; the output concatenates them and adds
    the projected input.

    Args:
        sources: Bits of the sources of each node, input and output included.
        labels: Operation label of each inner node.
        channels_in: Channels in.
        channels_out: Channels out.

    Raises:
        ConfigurationError: If there are fewer channels than nodes to share them.
    """

    def __init__(
        self, sources: Sequence[int], labels: Sequence[int], channels_in: int, channels_out: int
    ) -> None:
        super().__init__()
        channels = node_channels(sources, channels_in, channels_out)
        self.channels = channels
        self.sources = [
            [source for source in range(1, node) if mask >> source & 1]
            for node, mask in enumerate(sources)
        ]
        self.projections = nn.ModuleDict(
            {
                str(node): conv_block(channels_in, channels[node], 1)
                for node, mask in enumerate(sources)
                if mask & 1
            }
        )
        self.operations = nn.ModuleList(
            _operation(label, channels[node]) for node, label in enumerate(labels, start=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Compute node after node; the last one is the output."""
        nodes = [x]
        for node, operation in enumerate(self.operations, start=1):
            width = self.channels[node]
            parts = [nodes[source][:, :width] for source in self.sources[node]]
            nodes.append(operation(_sum([*parts, *self._projected(node, x)])))
        last = len(nodes)
        parts = [nodes[source] for source in self.sources[last]]
        return _sum([*([torch.cat(parts, dim=1)] if parts else []), *self._projected(last, x)])

    def _projected(self, node: int, x: Tensor) -> list[Tensor]:
        name = str(node)
        return [self.projections[name](x)] if name in self.projections else []


def _sum(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total
