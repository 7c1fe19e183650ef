"""Parameters and multiply-adds of NAS-Bench-201 networks, from the operation codes alone.

The network is a stem, stages of equal cells at growing width, a residual block of stride 2 between
stages, and a linear head. Every operation counts, dead or not, as in the benchmark.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError
from brpnas.spaces.nasbench201.cell import OPERATIONS

__all__ = ["cost"]

_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 9}

Int64Array = npt.NDArray[np.int64]


def cost(
    codes: npt.NDArray[np.integer],
    channels: int = 16,
    cells_per_stage: int = 5,
    classes: int = 10,
    image: int = 32,
    stages: int = 3,
    colours: int = 3,
) -> tuple[Int64Array, Int64Array]:
    """Parameters and multiply-adds of cells built into the macro network of NAS-Bench-201.

    Convolutions and the linear layer (its bias too) count as multiply-adds; normalisation, pooling
    and sums do not, as in the published figures (Dong & Yang, ICLR 2020, arXiv 2001.00326).

    Args:
        codes: Operation codes, shape ``[N, 6]``.
        channels: Channels of the first stage; every later stage doubles them.
        cells_per_stage: Cells in each stage.
        classes: Classes of the head.
        image: Height and width of the input; halved between stages, an odd size rounded up.
        stages: Number of stages.
        colours: Channels of the input.

    Returns:
        Parameters and multiply-adds (not in millions), each of shape ``[N]``.

    Raises:
        ConfigurationError: If a size is not positive.

    Examples:
        >>> params, flops = cost(np.full((1, 6), 3))
        >>> int(params[0]), int(flops[0])
        (1531546, 220119690)
    """
    if min(channels, cells_per_stage, classes, image, stages, colours) < 1:
        raise ConfigurationError(
            f"No network has channels={channels}, cells_per_stage={cells_per_stage}, "
            f"classes={classes}, image={image}, stages={stages}, colours={colours}: all must be "
            "positive."
        )
    sizes = [(channels << stage, math.ceil(image / 2**stage) ** 2) for stage in range(stages)]
    params, flops = _fixed_cost(sizes, classes, colours)
    all_params = np.full(len(codes), params, np.int64)
    all_flops = np.full(len(codes), flops, np.int64)
    for operation, kernel in _KERNELS.items():
        count = (np.asarray(codes) == OPERATIONS.index(operation)).sum(axis=1) * cells_per_stage
        for width, pixels in sizes:
            all_params += count * (kernel * width * width + 2 * width)
            all_flops += count * (kernel * width * width * pixels)
    return all_params, all_flops


def _fixed_cost(sizes: Sequence[tuple[int, int]], classes: int, colours: int) -> tuple[int, int]:
    """Cost of stem, reductions, last normalisation and head, from channels and pixels by stage."""
    channels, pixels = sizes[0]
    stem = 9 * colours * channels
    params, flops = stem + 2 * channels, stem * pixels
    for (narrow, _), (wide, pixels) in itertools.pairwise(sizes):
        weights = 9 * narrow * wide + 9 * wide * wide + narrow * wide
        params += weights + 2 * 2 * wide  # the shortcut's 1x1 convolution is not normalised
        flops += weights * pixels
    last = sizes[-1][0]
    head = (last + 1) * classes
    return params + 2 * last + head, flops + head
