"""Parameters and multiply-adds of FBNet networks, from the codes of their blocks alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.spaces.fbnet.blocks import BLOCKS, SHAPES, SKIP
from brpnas.spaces.fbnet.plan import Layer, plan_of
from brpnas.spaces.network import NetworkConfig

__all__ = ["cost"]

Int64Array = npt.NDArray[np.int64]


def cost(codes: npt.NDArray[np.integer], config: NetworkConfig) -> tuple[Int64Array, Int64Array]:
    """Parameters and multiply-adds of architectures, each ``[N]``.

    Convolutions and the linear layer (its bias too) count as multiply-adds; normalisation, pooling
    and sums do not. ``codes`` have the shape ``[N, 22]``.
    """
    plan = plan_of(config)
    stem = 9 * plan.image[0] * plan.stem
    last, pixels = plan.layers[-1], plan.layers[-1].output_pixels
    head = last.outputs * plan.head
    linear = (plan.head + 1) * plan.classes
    around = (
        stem + 2 * plan.stem + head + 2 * plan.head + linear,
        stem * plan.layers[0].pixels + head * pixels + linear,
    )
    table = np.array(
        [[_block(code, layer) for code in range(len(BLOCKS))] for layer in plan.layers], np.int64
    )  # [22, 9, 2]
    each = table[np.arange(len(plan.layers)), codes]  # [N, 22, 2]
    params, flops = (each.sum(axis=1) + np.array(around, np.int64)).T
    return params, flops


def _block(code: int, layer: Layer) -> tuple[int, int]:
    """Parameters and multiply-adds of a block in a layer."""
    if code == SKIP:
        weights = 0 if layer.keeps else layer.inputs * layer.outputs
        return weights + 2 * layer.outputs * (weights > 0), weights * layer.output_pixels
    kernel, expansion, groups = SHAPES[code]
    inner = layer.inputs * expansion
    expand = layer.inputs * inner // groups
    depthwise = kernel**2 * inner
    project = inner * layer.outputs // groups
    params = expand + depthwise + project + 2 * (2 * inner + layer.outputs)
    return params, expand * layer.pixels + (depthwise + project) * layer.output_pixels
