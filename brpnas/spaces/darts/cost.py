"""Parameters and multiply-adds of DARTS networks, from the decisions alone.

The auxiliary head is left out: it exists in training only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.spaces.darts.cell import NODES, OPERATIONS
from brpnas.spaces.network import NetworkConfig

__all__ = ["cost"]

Int64Array = npt.NDArray[np.int64]
_CONVOLUTIONS = {
    "sep_conv_3x3": (3, 2),
    "sep_conv_5x5": (5, 2),
    "dil_conv_3x3": (3, 1),
    "dil_conv_5x5": (5, 1),
}
"""Kernel size, and number of depthwise-pointwise pairs."""


def cost(
    decisions: npt.NDArray[np.integer], config: NetworkConfig
) -> tuple[Int64Array, Int64Array]:
    """Parameters and multiply-adds of architectures in the network of DARTS, each ``[N]``.

    Convolutions and the linear layer (its bias too) count as multiply-adds; normalisation, pooling
    and sums do not. ``decisions`` have the shape ``[N, 2, 4, 2, 2]``, see `node_decisions`.
    """
    ops, sources = decisions[..., 0].reshape(-1, 2, 8), decisions[..., 1].reshape(-1, 2, 8)
    colours, height, width = config.input_shape
    channels, pixels = config.channels, height * width
    stem = 9 * colours * 3 * channels
    params = np.full(len(ops), stem + 2 * 3 * channels, np.int64)
    flops = np.full(len(ops), stem * pixels, np.int64)
    before = last = 3 * channels
    for stage in range(config.stages):
        for position in range(config.cells_per_stage + (stage > 0)):
            reduction = stage > 0 and position == 0
            outer = pixels
            if reduction:
                channels, height, width = 2 * channels, (height + 1) // 2, (width + 1) // 2
                pixels = height * width
            # Both inputs are projected to the cell's channels, at the size of the last cell.
            weights = (before + last) * channels
            params += weights + 2 * 2 * channels
            flops += weights * outer
            for strided in (True, False):
                edges = (sources[:, int(reduction)] < 2) == strided
                for name in OPERATIONS:
                    count = (edges & (ops[:, int(reduction)] == OPERATIONS.index(name))).sum(axis=1)
                    sizes = _operation(name, channels, strided and reduction)
                    params += count * sizes[0]
                    flops += count * (sizes[1] * pixels)
            before, last = last, NODES * channels
    head = (last + 1) * config.classes
    return params + head, flops + head


def _operation(name: str, channels: int, strided: bool) -> tuple[int, int]:
    """Parameters of an operation, and its multiply-adds for each pixel of its output."""
    if name in _CONVOLUTIONS:
        kernel, times = _CONVOLUTIONS[name]
        weights = times * (kernel**2 * channels + channels**2)
        return weights + times * 2 * channels, weights
    if name == "skip_connect" and strided:
        return channels**2 + 2 * channels, channels**2
    return 0, 0
