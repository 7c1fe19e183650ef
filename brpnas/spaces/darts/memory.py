"""File size and live activations of DARTS networks, from the decisions alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brpnas.spaces.darts.cell import NODES, OPERATIONS
from brpnas.spaces.memory import BYTES, Tape, file_bytes
from brpnas.spaces.network import NetworkConfig

__all__ = ["memory"]

_STEM = 3
"""Channels of the stem, in channels of the first stage."""


def memory(
    decisions: npt.NDArray[np.integer], config: NetworkConfig
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Bytes of the float32 ONNX file, and most bytes of live activations at batch 1, each ``[N]``.

    Both are of the exported network, see `brpnas.spaces.memory`, without the auxiliary head. An
    architecture takes about two milliseconds. ``decisions`` have the shape ``[N, 2, 4, 2, 2]``, see
    `node_decisions`.
    """
    found = [_network(cells, config) for cells in decisions.tolist()]
    values = np.array(found, np.float64).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def _network(cells: list[list[list[list[int]]]], config: NetworkConfig) -> tuple[int, int]:
    colours, height, width = config.input_shape
    tape, channels = Tape(), config.channels
    stem = _STEM * channels
    x = tape.given(colours * height * width)
    before = last = _Maps(
        tape.layer(stem * height * width, x, (9 * colours + 1) * stem), stem, height, width
    )
    graph = _Graph(tape)
    for stage in range(config.stages):
        for position in range(config.cells_per_stage + (stage > 0)):
            reduces = stage > 0 and position == 0
            channels *= 2 if reduces else 1
            before, last = last, graph.cell(cells[reduces], before, last, channels, reduces)
    mean = tape.apply("mean", last.channels, last.place)
    tape.layer(config.classes, mean, (last.channels + 1) * config.classes)
    # The mean is reshaped too: a node without a copy.
    return file_bytes(tape.floats, tape.layers, tape.operations + 1), BYTES * tape.peak()


class _Maps(NamedTuple):
    """Feature maps of a place on the tape."""

    place: int
    channels: int
    height: int
    width: int


class _Graph:
    """Writes the operations of `brpnas.spaces.darts.layers` on a tape."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def cell(
        self,
        nodes: list[list[list[int]]],
        before: _Maps,
        last: _Maps,
        channels: int,
        reduces: bool,
    ) -> _Maps:
        """One cell, see `brpnas.spaces.darts.layers.Cell`."""
        is_larger = before.height != last.height
        first = self.halved(before, channels) if is_larger else self.convolved(before, channels)
        states = [first, self.convolved(last, channels)]
        for edges in nodes:
            terms = [
                self.operation(code, states[source], 2 if reduces and source < 2 else 1)
                for code, source in edges
            ]
            size = terms[0].channels * terms[0].height * terms[0].width
            place = self.tape.apply("add", size, terms[0].place, terms[1].place)
            states.append(_Maps(place, channels, terms[0].height, terms[0].width))
        height, width = states[-1].height, states[-1].width
        places = [state.place for state in states[2:]]
        joined = self.tape.apply("concat", NODES * channels * height * width, *places)
        return _Maps(joined, NODES * channels, height, width)

    def operation(self, code: int, x: _Maps, stride: int) -> _Maps:
        """An operation of an edge."""
        name = OPERATIONS[code]
        if name == "skip_connect":
            return x if stride == 1 else self.halved(x, x.channels)
        if name.endswith("pool_3x3"):
            height, width = -(-x.height // stride), -(-x.width // stride)
            place = self.tape.apply(f"{name}{stride}", x.channels * height * width, x.place)
            return _Maps(place, x.channels, height, width)
        kernel = int(name[-1])
        for step in (stride,) if name.startswith("dil_conv") else (stride, 1):
            x = self.separable(x, kernel, step)
        return x

    def separable(self, x: _Maps, kernel: int, stride: int) -> _Maps:
        """ReLU, depthwise convolution, 1x1 convolution."""
        relu = self.tape.apply("relu", self.tape.sizes[x.place], x.place)
        height, width = -(-x.height // stride), -(-x.width // stride)
        size = x.channels * height * width
        depthwise = self.tape.layer(size, relu, kernel**2 * x.channels)
        pointwise = self.tape.layer(size, depthwise, (x.channels + 1) * x.channels)
        return _Maps(pointwise, x.channels, height, width)

    def convolved(self, x: _Maps, channels: int) -> _Maps:
        """ReLU, 1x1 convolution."""
        relu = self.tape.apply("relu", self.tape.sizes[x.place], x.place)
        size = channels * x.height * x.width
        return _Maps(
            self.tape.layer(size, relu, (x.channels + 1) * channels), channels, x.height, x.width
        )

    def halved(self, x: _Maps, channels: int) -> _Maps:
        """`brpnas.spaces.darts.layers.FactorisedReduction`."""
        tape, half = self.tape, channels // 2
        height, width = (x.height + 1) // 2, (x.width + 1) // 2
        pixels = height * width
        relu = tape.apply("relu", tape.sizes[x.place], x.place)
        shifted = relu
        if x.height % 2 or x.width % 2:
            shifted = tape.apply("pad", x.channels * 4 * pixels, relu)
        even = tape.layer(half * pixels, relu, half * x.channels)
        rows, columns = 2 * height - 1, 2 * width - 1
        shifted = tape.apply("slice rows", x.channels * rows * 2 * width, shifted)
        shifted = tape.apply("slice columns", x.channels * rows * columns, shifted)
        odd = tape.layer((channels - half) * pixels, shifted, (channels - half) * x.channels)
        joined = tape.apply("concat", channels * pixels, even, odd)
        return _Maps(tape.layer(channels * pixels, joined, 4 * channels), channels, height, width)
