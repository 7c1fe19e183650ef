"""File size and live activations of NAS-Bench-101 networks, from the keys alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brpnas.spaces.memory import BYTES, Tape, file_bytes
from brpnas.spaces.nasbench101.canonical import sources_of
from brpnas.spaces.nasbench101.cell import SHORT_NAMES, labels_of
from brpnas.spaces.nasbench101.channels import node_channels
from brpnas.spaces.network import NetworkConfig

__all__ = ["memory"]

_KERNELS = {"conv3x3": 9, "conv1x1": 1}


def memory(
    keys: npt.ArrayLike, config: NetworkConfig
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Bytes of the float32 ONNX file, and most bytes of live activations at batch 1, each ``[N]``.

    Both are of the exported network, see `brpnas.spaces.memory`. An architecture takes about a
    millisecond. ``keys`` are canonical.

    Raises:
        ConfigurationError: If there are fewer channels than nodes to share them.
    """
    found = [_network(key, config) for key in np.asarray(keys, np.int64).tolist()]
    values = np.array(found, np.float64).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def _network(key: int, config: NetworkConfig) -> tuple[int, int]:
    colours, height, width = config.input_shape
    tape, channels = Tape(), config.channels
    x = _convolution(
        tape, tape.given(colours * height * width), 9 * colours, channels, height * width
    )
    sources, labels = sources_of(key), labels_of(key)
    for stage in range(config.stages):
        wide = config.channels << stage
        if stage:
            height, width = (height + 1) // 2, (width + 1) // 2
            x = tape.apply("halve", channels * height * width, x)
        for _ in range(config.cells_per_stage):
            x = _cell(
                tape, x, sources, labels, node_channels(sources, channels, wide), height * width
            )
            channels = wide
    x = tape.apply("mean", channels, x)
    tape.layer(config.classes, x, (channels + 1) * config.classes)
    # The mean is reshaped too: a node without a copy.
    return file_bytes(tape.floats, tape.layers, tape.operations + 1), BYTES * tape.peak()


def _convolution(tape: Tape, x: int, weights: int, channels: int, pixels: int) -> int:
    """Convolution of ``weights`` values for a channel out, and ReLU."""
    convolved = tape.layer(channels * pixels, x, (weights + 1) * channels)
    return tape.apply("relu", channels * pixels, convolved)


def _cell(
    tape: Tape,
    x: int,
    sources: Sequence[int],
    labels: Sequence[int],
    channels: Sequence[int],
    pixels: int,
) -> int:
    """One cell, see `brpnas.spaces.nasbench101.layers.Cell`."""
    places, last = [x], len(sources) - 1
    for node, mask in enumerate(sources[1:], start=1):
        wide, parts = channels[node], []
        for source in range(1, node):
            if mask >> source & 1:
                place, narrowed = places[source], channels[source] > wide and node < last
                parts.append(
                    tape.apply(f"slice {wide}", wide * pixels, place) if narrowed else place
                )
        if node == last and len(parts) > 1:
            parts = [tape.apply("concat", wide * pixels, *parts)]
        if mask & 1:
            parts.append(_convolution(tape, x, channels[0], wide, pixels))
        total = parts[0]
        for part in parts[1:]:
            total = tape.apply("add", wide * pixels, total, part)
        if node < last:
            name = SHORT_NAMES[labels[node - 1]]
            total = (
                _convolution(tape, total, _KERNELS[name] * wide, wide, pixels)
                if name in _KERNELS
                else tape.apply(name, wide * pixels, total)
            )
        places.append(total)
    return places[last]
