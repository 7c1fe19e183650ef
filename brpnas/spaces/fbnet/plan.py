"""The network around the blocks: widths, strides and sizes of feature maps of every layer.

`plan_of` is the one place with the published numbers. The torch network, its costs and its memory
all follow it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

from brpnas.errors import ConfigurationError
from brpnas.spaces.fbnet.blocks import STAGES
from brpnas.spaces.network import NetworkConfig

__all__ = ["PUBLISHED", "Layer", "Plan", "plan_of"]

PUBLISHED = NetworkConfig(
    channels=16,
    cells_per_stage=max(STAGES),
    stages=len(STAGES),
    input_shape=(3, 32, 32),
    classes=100,
)
"""The network on CIFAR-100, of which latencies are published."""

_WIDTHS = (16, 24, 32, 64, 112, 184, 352)
_HALVING = (3, 4, 6)
"""Stages that halve images of any size, counted from 1."""
_STEM_HALVES, _SECOND_HALVES = 64, 128
"""Smallest images halved by the stem and by the second stage, as for the published 224 pixels."""
_HEAD, _LARGE_HEAD = 1504, 1984
"""Channels of the head: for small images, and for those that the second stage halves."""
_CHANNELS = 16
"""Channels of the published stem."""


class Layer(NamedTuple):
    """Channels, stride and input size of a searched layer.

    Attributes:
        inputs: Channels of the input.
        outputs: Channels of the output.
        stride: 1 or 2.
        height: Rows of the input.
        width: Columns of the input.
        keeps: Whether input and output have one shape: then `skip` is the identity, and the other
            blocks are residual.
    """

    inputs: int
    outputs: int
    stride: int
    height: int
    width: int
    keeps: bool

    @property
    def pixels(self) -> int:
        """Pixels of an input map."""
        return self.height * self.width

    @property
    def output_pixels(self) -> int:
        """Pixels of an output map."""
        return -(-self.height // self.stride) * -(-self.width // self.stride)


class Plan(NamedTuple):
    """The layers of a network.

    Attributes:
        image: Channels, height and width of the image.
        stem: Channels of the stem.
        stem_stride: Its stride, 1 or 2.
        layers: The 22 searched layers.
        head: Channels of the head.
        classes: Number of logits.
    """

    image: tuple[int, int, int]
    stem: int
    stem_stride: int
    layers: tuple[Layer, ...]
    head: int
    classes: int


@functools.lru_cache(maxsize=64)
def plan_of(config: NetworkConfig) -> Plan:
    """The layers of the network of a size.

    ``channels`` are those of the first stage, published 16; all other widths grow in proportion,
    rounded to even numbers. The images decide which layers halve them: the published network on
    CIFAR below 64 pixels, on ImageNet from 128 on, and between them only the stem halves. The
    numbers of stages and layers are decisions of the space.

    Raises:
        ConfigurationError: If ``stages`` or ``cells_per_stage`` are not the published ones.
    """
    for name in ("stages", "cells_per_stage"):
        given, published = getattr(config, name), getattr(PUBLISHED, name)
        if given != published:
            raise ConfigurationError(
                f"{name} is {given}, but every FBNet network has {published}: an architecture says "
                f"which layers to skip. Set {name} to {published}, or to null for the published "
                "value, and change channels for another size."
            )
    image = config.input_shape[1:]
    side = min(image)
    stem_stride = 1 + (side >= _STEM_HALVES)
    second_halves = side >= _SECOND_HALVES
    halving = (*_HALVING, 2) if second_halves else _HALVING
    stem = _scaled(_CHANNELS, config)
    height, width = (-(-length // stem_stride) for length in image)
    return Plan(
        config.input_shape,
        stem,
        stem_stride,
        tuple(_layers(stem, halving, height, width, config)),
        _scaled(_LARGE_HEAD if second_halves else _HEAD, config),
        config.classes,
    )


def _layers(
    channels: int, halving: tuple[int, ...], height: int, width: int, config: NetworkConfig
) -> Iterator[Layer]:
    for stage, (layers, published) in enumerate(zip(STAGES, _WIDTHS, strict=True), start=1):
        outputs = _scaled(published, config)
        for place in range(layers):
            is_first = place == 0
            stride = 2 if is_first and stage in halving else 1
            keeps = not is_first or stage == 1
            yield Layer(channels, outputs, stride, height, width, keeps)
            channels = outputs
            height, width = -(-height // stride), -(-width // stride)


def _scaled(published: int, config: NetworkConfig) -> int:
    """A width of the network, even: some blocks have two groups."""
    return max(2, 2 * ((published * config.channels + _CHANNELS) // (2 * _CHANNELS)))
