"""File size and live activations of NAS-Bench-201 networks, from the operation codes alone.

Both are of the exported network: without dead operations, normalisation folded into convolutions.
All feature maps of a stage are of one size, and cells follow one another. So a cell counts its most
live feature maps, and the largest stage or the block after it decides.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brpnas.spaces.memory import BYTES, Tape, file_bytes
from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS, live_edges
from brpnas.spaces.network import NetworkConfig

__all__ = ["memory"]

_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 9}
_OUTPUT = 3


def memory(
    codes: npt.NDArray[np.integer], config: NetworkConfig
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Bytes of the float32 ONNX file, and most bytes of live activations at batch 1, each ``[N]``.

    Args:
        codes: Operation codes, shape ``[N, 6]``.
        config: Sizes of the network; dead operations never count.
    """
    frame = _Frame(config)
    cells, place = np.unique(np.asarray(codes, np.int64), axis=0, return_inverse=True)
    found = [frame.with_cell(tuple(cell)) for cell in cells.tolist()]
    values = np.array(found, np.float64).reshape(-1, 2)[place.reshape(-1)]
    return values[:, 0], values[:, 1]


class _Frame:
    """The network around a cell."""

    def __init__(self, config: NetworkConfig) -> None:
        colours, height, width = config.input_shape
        channels, pixels = config.channels, height * width
        self.config = config
        self.first_map = channels * pixels
        tape = Tape()
        x = tape.layer(
            channels * pixels, tape.given(colours * pixels), (9 * colours + 1) * channels
        )
        for stage in range(1, config.stages):
            narrow, channels = channels, config.channels << stage
            height, width = (height + 1) // 2, (width + 1) // 2
            pixels = height * width
            x = _reduction(tape, x, narrow, channels, pixels)
        x = tape.layer(channels * pixels, x, 4 * channels)
        x = tape.apply("relu", channels * pixels, x)
        x = tape.apply("mean", channels, x)
        tape.layer(config.classes, x, (channels + 1) * config.classes)
        # The mean is reshaped too: a node without a copy.
        self.floats, self.layers, self.operations = tape.floats, tape.layers, tape.operations + 1
        self.peak = tape.peak()

    def with_cell(self, codes: tuple[int, ...]) -> tuple[int, int]:
        """Bytes of the file and of the live activations."""
        kernels, operations, live = _cell(codes)
        config, floats = self.config, self.floats
        for stage in range(config.stages):
            channels = config.channels << stage
            each = sum(kernels) * channels**2 + len(kernels) * channels
            floats += config.cells_per_stage * each
        cells = config.cells_per_stage * config.stages
        layers = self.layers + cells * len(kernels)
        peak = max(self.peak, live * self.first_map)
        return file_bytes(floats, layers, self.operations + cells * operations), BYTES * peak


def _reduction(tape: Tape, x: int, narrow: int, wide: int, pixels: int) -> int:
    """The residual block between stages, see `brpnas.spaces.nasbench201.layers.Reduction`."""
    pooled = tape.apply("pool", narrow * pixels, x)
    shortcut = tape.layer(wide * pixels, pooled, narrow * wide)
    body = tape.apply("relu", tape.sizes[x], x)
    body = tape.layer(wide * pixels, body, (9 * narrow + 1) * wide)
    body = tape.apply("relu", wide * pixels, body)
    body = tape.layer(wide * pixels, body, (9 * wide + 1) * wide)
    return tape.apply("add", wide * pixels, shortcut, body)


@functools.cache
def _cell(codes: tuple[int, ...]) -> tuple[Sequence[int], int, int]:
    """Taps of each convolution, number of other operations, most live feature maps."""
    tape = Tape()
    nodes = {0: tape.given(1)}
    kernels: list[int] = []
    for is_live, code, (source, target) in zip(live_edges(codes), codes, EDGES, strict=True):
        if not is_live:
            continue
        value, name = nodes[source], OPERATIONS[code]
        if name in _KERNELS:
            kernels.append(_KERNELS[name])
            value = tape.layer(1, tape.apply("relu", 1, value), 0)
        elif name != "skip_connect":
            value = tape.apply(name, 1, value)
        nodes[target] = tape.apply("add", 1, nodes[target], value) if target in nodes else value
    output = nodes[_OUTPUT] if _OUTPUT in nodes else tape.apply("none", 1, nodes[0])
    return tuple(kernels), tape.operations, tape.peak(output)
