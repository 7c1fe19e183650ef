"""The building blocks of the NAS-Bench-201 network in torch: cell and reduction.

`brpnas.spaces.nasbench201.build` assembles them.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS, live_edges

__all__ = ["Cell", "Reduction"]

_INPUT, _OUTPUT = 0, 3


class _Zero(nn.Module):
    """The operation `none`, executed: a runtime without dead-code removal multiplies by zero."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mul(0.0)


def _conv_block(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """ReLU, convolution without bias, batch normalisation."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


def _operation(code: int, channels: int) -> nn.Module:
    name = OPERATIONS[code]
    if name == "none":
        return _Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return _conv_block(channels, channels, 3 if name == "nor_conv_3x3" else 1)


class Cell(nn.Module):
    """One cell: ``[B, C, H, W]`` to the same shape; zeros if no path leads through it.

    ``executes_dead_ops`` of False leaves out operations on no path.
    """

    def __init__(self, codes: Sequence[int], channels: int, executes_dead_ops: bool) -> None:
        super().__init__()
        kept = (True,) * len(EDGES) if executes_dead_ops else live_edges(codes)
        self.operations = nn.ModuleDict(
            {
                f"{source}to{target}": _operation(code, channels)
                for keep, code, (source, target) in zip(kept, codes, EDGES, strict=True)
                if keep
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Sum the edges into every node; the last node is the output."""
        nodes: dict[int, Tensor] = {_INPUT: x}
        for source, target in EDGES:
            name = f"{source}to{target}"
            if name in self.operations:
                value = self.operations[name](nodes[source])
                nodes[target] = nodes[target] + value if target in nodes else value
        # Not zeros_like: exporters fold it and drop the unused input of the network.
        return nodes[_OUTPUT] if _OUTPUT in nodes else x.mul(0.0)


class Reduction(nn.Module):
    """Residual block between stages: ``[B, C, H, W]`` to ``[B, 2 C, H / 2, W / 2]``.

    Args:
        channels: Channels in; doubled by the block.
        odd: Height or width is odd. The convolution rounds half an odd size up, so the pooling of
            the shortcut must too; for even sizes this is the published block.
    """

    def __init__(self, channels: int, odd: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv_block(channels, 2 * channels, 3, stride=2),
            _conv_block(2 * channels, 2 * channels, 3),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, stride=2, ceil_mode=odd),
            nn.Conv2d(channels, 2 * channels, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Halve height and width, double the channels."""
        residual: Tensor = self.shortcut(x)
        body: Tensor = self.body(x)
        return residual + body
