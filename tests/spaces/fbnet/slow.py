"""Slow reference: a network operation by operation, from the text of its architecture.

Written from the paper (table 1 and figure 3) without the code of the library.
"""

from __future__ import annotations

from collections.abc import Iterator

STAGES = ((16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))
"""Channels, layers and stride of each stage, for images of 224 pixels."""
Convolution = tuple[int, int, int, int, int]
"""Inputs, outputs, kernel, groups, pixels of the output."""


def convolutions(text: str, pixels: int, colours: int = 3) -> Iterator[Convolution]:
    """Convolutions of the published network for square images of 32 or 224 pixels."""
    small = pixels < 64
    side = pixels if small else pixels // 2
    yield colours, 16, 3, 1, side**2
    before = 16
    blocks = iter(text.split("-"))
    for stage, (channels, layers, published_stride) in enumerate(STAGES):
        for place in range(layers):
            stride = published_stride if place == 0 and not (small and stage == 1) else 1
            block = next(blocks)
            after = side // stride
            if block == "skip":
                if place == 0 and stage > 0:
                    yield before, channels, 1, 1, after**2
            else:
                kernel, expansion = int(block[1]), int(block[4])
                groups = 2 if block.endswith("g2") else 1
                wide = before * expansion
                yield before, wide, 1, groups, side**2
                yield wide, wide, kernel, wide, after**2
                yield wide, channels, 1, groups, after**2
            before, side = channels, after
    yield before, 1504 if small else 1984, 1, 1, side**2


def by_hand(text: str, pixels: int, classes: int) -> tuple[int, int]:
    """Parameters and multiply-adds."""
    params = flops = 0
    outputs = 0
    for inputs, outputs, kernel, groups, size in convolutions(text, pixels):
        weights = inputs * outputs * kernel**2 // groups
        params += weights + 2 * outputs
        flops += weights * size
    linear = (outputs + 1) * classes
    return params + linear, flops + linear
