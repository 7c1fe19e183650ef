"""File size and live activations of FBNet networks, from the codes of their blocks alone."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from brpnas.spaces.fbnet.blocks import SHAPES, SKIP
from brpnas.spaces.fbnet.plan import Layer, Plan, plan_of
from brpnas.spaces.memory import BYTES, Tape, file_bytes
from brpnas.spaces.network import NetworkConfig

__all__ = ["memory"]

_RESHAPES = 2
"""Nodes of a shuffle without a copy: before and after its transposition."""


def memory(
    codes: npt.NDArray[np.integer], config: NetworkConfig
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Bytes of the float32 ONNX file, and most bytes of live activations at batch 1, each ``[N]``.

    Both are of the exported network, see `brpnas.spaces.memory`. ``codes`` have the shape
    ``[N, 22]``.
    """
    plan = plan_of(config)
    found = [_network(row, plan) for row in codes.tolist()]
    values = np.array(found, np.float64).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def _network(codes: list[int], plan: Plan) -> tuple[int, int]:
    tape = Tape()
    first, last = plan.layers[0], plan.layers[-1]
    x = tape.given(math.prod(plan.image))
    x = _activated(tape, plan.stem * first.pixels, x, (9 * plan.image[0] + 1) * plan.stem)
    reshapes = 1  # of the mean
    for code, layer in zip(codes, plan.layers, strict=True):
        x = _block(tape, x, code, layer)
        reshapes += _RESHAPES * (code != SKIP and SHAPES[code].groups > 1)
    x = _activated(tape, plan.head * last.output_pixels, x, (last.outputs + 1) * plan.head)
    x = tape.apply("mean", plan.head, x)
    tape.layer(plan.classes, x, (plan.head + 1) * plan.classes)
    return file_bytes(tape.floats, tape.layers, tape.operations + reshapes), BYTES * tape.peak()


def _block(tape: Tape, x: int, code: int, layer: Layer) -> int:
    """`brpnas.spaces.fbnet.layers.make_block` on the tape."""
    size = layer.outputs * layer.output_pixels
    if code == SKIP:
        floats = (layer.inputs + 1) * layer.outputs
        return x if layer.keeps else _activated(tape, size, x, floats)
    kernel, expansion, groups = SHAPES[code]
    inner = layer.inputs * expansion
    y = _activated(tape, inner * layer.pixels, x, (layer.inputs // groups + 1) * inner)
    if groups > 1:
        y = tape.apply("transpose", inner * layer.pixels, y)
    y = _activated(tape, inner * layer.output_pixels, y, (kernel**2 + 1) * inner)
    y = tape.layer(size, y, (inner // groups + 1) * layer.outputs)
    return tape.apply("add", size, x, y) if layer.keeps else y


def _activated(tape: Tape, size: int, source: int, floats: int) -> int:
    """Convolution and ReLU."""
    return tape.apply("relu", size, tape.layer(size, source, floats))
