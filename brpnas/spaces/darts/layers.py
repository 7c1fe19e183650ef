"""The building blocks of the DARTS network in torch: operations, cell, auxiliary head.

As in the published evaluation network (Liu et al., ICLR 2019, arXiv 1806.09055), every
normalisation has weights. `brpnas.spaces.darts.build` assembles the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from brpnas.spaces.darts.cell import OPERATIONS

__all__ = [
    "AuxiliaryHead",
    "Cell",
    "Edge",
    "FactorisedReduction",
    "conv_block",
    "drop_path",
    "operation",
]

Edge = tuple[int, int]
"""Operation code and input of an edge."""


def conv_block(inputs: int, outputs: int) -> nn.Sequential:
    """ReLU, 1x1 convolution without bias, batch normalisation."""
    return nn.Sequential(
        nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
    )


class FactorisedReduction(nn.Module):
    """Halve height and width by two shifted 1x1 convolutions of stride 2, side by side.

    ``[B, inputs, H, W]`` to ``[B, outputs, ceil(H / 2), ceil(W / 2)]``. The second convolution
    starts one pixel down and right; an odd height or width is padded by one line of zeros.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.even = nn.Conv2d(inputs, half, 1, stride=2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - half, 1, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Halve height and width."""
        x = F.relu(x)
        height, width = x.shape[-2:]
        shifted = F.pad(x, (0, width % 2, 0, height % 2)) if width % 2 or height % 2 else x
        halves = [self.even(x), self.odd(shifted[:, :, 1:, 1:])]
        result: Tensor = self.norm(torch.cat(halves, dim=1))
        return result


def _depthwise(channels: int, kernel: int, stride: int, dilation: int) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels,
            channels,
            kernel,
            stride,
            padding,
            dilation,
            groups=channels,
            bias=False,
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
        nn.BatchNorm2d(channels),
    ]


def operation(code: int, channels: int, stride: int) -> nn.Module:
    """Module of an operation: ``[B, C, H, W]`` to the same, or to half size with stride 2."""
    name = OPERATIONS[code]
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorisedReduction(channels, channels)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, padding=1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    kernel = int(name[-1])
    if name.startswith("dil_conv"):
        return nn.Sequential(*_depthwise(channels, kernel, stride, dilation=2))
    first = _depthwise(channels, kernel, stride, dilation=1)
    return nn.Sequential(*first, *_depthwise(channels, kernel, 1, dilation=1))


def drop_path(x: Tensor, probability: float) -> Tensor:
    """Set whole images of a batch to zero with a probability, and scale the others up.

    Larsson et al., FractalNet, ICLR 2017, arXiv 1605.07648.
    """
    keep = 1.0 - probability
    mask = x.new_empty(len(x), 1, 1, 1).bernoulli_(keep)
    return x * (mask / keep)


class Cell(nn.Module):
    """One cell: two feature maps to one with four times ``channels``.

    Args:
        nodes: Two edges of each intermediate node, pairs of operation code and input.
        inputs: Channels of the outputs of the cell before the last one and of the last one.
        channels: Channels inside.
        reduction: Halve height and width.
        after_reduction: The last cell was a reduction, so the first input is twice as large.
    """

    def __init__(
        self,
        nodes: Sequence[Sequence[Edge]],
        inputs: tuple[int, int],
        channels: int,
        reduction: bool,
        after_reduction: bool,
    ) -> None:
        super().__init__()
        first: nn.Module = (
            FactorisedReduction(inputs[0], channels)
            if after_reduction
            else conv_block(inputs[0], channels)
        )
        self.inputs = nn.ModuleList([first, conv_block(inputs[1], channels)])
        self.sources = [[source for _, source in edges] for edges in nodes]
        self.operations = nn.ModuleList(
            operation(code, channels, 2 if reduction and source < 2 else 1)
            for edges in nodes
            for code, source in edges
        )

    def forward(self, before: Tensor, last: Tensor, probability: float = 0.0) -> Tensor:
        """Output of the cell.

        Args:
            before: Output of the cell before the last one.
            last: Output of the last cell.
            probability: Of dropping the result of an operation in training, except the identity.
        """
        states = [self.inputs[0](before), self.inputs[1](last)]
        modules = iter(self.operations)
        for sources in self.sources:
            terms = []
            for source in sources:
                module = next(modules)
                term = module(states[source])
                if self.training and probability > 0 and not isinstance(module, nn.Identity):
                    term = drop_path(term, probability)
                terms.append(term)
            states.append(terms[0] + terms[1])
        return torch.cat(states[2:], dim=1)


class AuxiliaryHead(nn.Module):
    """Second classifier, for training only: ``[B, inputs, H, W]`` to ``[B, classes]``.

    The published one averages maps of 8 x 8 by windows of 5 with stride 3 into 2 x 2; maps of
    another size are averaged adaptively into 2 x 2.
    """

    def __init__(self, inputs: int, size: tuple[int, int], classes: int) -> None:
        super().__init__()
        pool: nn.Module = nn.AvgPool2d(5, stride=3) if size == (8, 8) else nn.AdaptiveAvgPool2d(2)
        self.features = nn.Sequential(
            nn.ReLU(),
            pool,
            nn.Conv2d(inputs, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            nn.BatchNorm2d(768),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits ``[B, classes]``."""
        logits: Tensor = self.classifier(torch.flatten(self.features(x), 1))
        return logits
