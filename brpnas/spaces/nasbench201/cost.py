"""Parameters and multiply-adds of NAS-Bench-201 networks, from the operation codes alone.

The network is the published one: a stem, three stages of equal cells at growing width, a residual
block of stride 2 between stages, and a linear head. Every operation counts, dead or not, as the
benchmark counts them. Use it as the cheap proxy of latency, and as the check of a built network.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError
from brpnas.spaces.nasbench201.cell import OPERATIONS

__all__ = ["cost"]

_STAGES = 3
_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 9}

Int64Array = npt.NDArray[np.int64]


def cost(
    codes: npt.NDArray[np.integer],
    channels: int = 16,
    cells_per_stage: int = 5,
    classes: int = 10,
    image: int = 32,
) -> tuple[Int64Array, Int64Array]:
    """Parameters and multiply-adds of cells built into the macro network of NAS-Bench-201.

    Convolutions and the linear layer (its bias too) count as multiply-adds; normalisation, pooling
    and sums do not, as in the published figures (Dong & Yang, ICLR 2020, arXiv 2001.00326).

    Args:
        codes: Operation codes, shape ``[N, 6]``.
        channels: Channels of the first stage; each later stage has twice as many.
        cells_per_stage: Cells in each of the three stages.
        classes: Classes of the head.
        image: Height and width of the RGB input, a multiple of 4.

    Returns:
        Parameters and multiply-adds (not in millions), each of shape ``[N]``.

    Raises:
        ConfigurationError: If a size is not positive or the image not divisible by 4.

    Example:
        >>> params, flops = cost(np.full((1, 6), 3))
        >>> int(params[0]), int(flops[0])
        (1531546, 220119690)
    """
    if min(channels, cells_per_stage, classes, image) < 1 or image % 4:
        raise ConfigurationError(
            f"No network has channels={channels}, cells_per_stage={cells_per_stage}, "
            f"classes={classes}, image={image}: all must be positive and image a multiple of 4."
        )
    params, flops = _fixed_cost(channels, classes, image)
    all_params = np.full(len(codes), params, np.int64)
    all_flops = np.full(len(codes), flops, np.int64)
    for operation, kernel in _KERNELS.items():
        count = (np.asarray(codes) == OPERATIONS.index(operation)).sum(axis=1) * cells_per_stage
        for stage in range(_STAGES):
            width, pixels = channels << stage, (image >> stage) ** 2
            all_params += count * (kernel * width * width + 2 * width)
            all_flops += count * (kernel * width * width * pixels)
    return all_params, all_flops


def _fixed_cost(channels: int, classes: int, image: int) -> tuple[int, int]:
    """Cost of stem, the two reductions, last normalisation and head."""
    stem = 9 * 3 * channels
    params, flops = stem + 2 * channels, stem * image**2
    for stage in range(1, _STAGES):
        narrow, wide = channels << (stage - 1), channels << stage
        weights = 9 * narrow * wide + 9 * wide * wide + narrow * wide
        params += weights + 2 * 2 * wide  # the shortcut's 1x1 convolution is not normalised
        flops += weights * (image >> stage) ** 2
    last = channels << (_STAGES - 1)
    head = (last + 1) * classes
    return params + 2 * last + head, flops + head
