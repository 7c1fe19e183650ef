"""A custom search space: chains of five blocks, like networks for phones.

Name it in configuration by its path, ``docs/examples/chain_space.py``; docs/spaces.md explains it.
Torch is imported only for building networks: stages on graphs need none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from brpnas.errors import ArchitectureError, BudgetError, UnknownNameError
from brpnas.graphs import BLANK, INPUT, OUTPUT, VIEWS, GraphBatch, View, with_global_node
from brpnas.spaces import NetworkConfig, SearchSpace

if TYPE_CHECKING:
    from torch import Tensor, nn

LENGTH = 5
OPTIONS = ("skip", "squeeze", "conv3", "conv5", "sep3", "conv3w", "conv5w", "sep3w")
"""Blocks: w doubles the width of its stage, the others set it; skip and squeeze keep what comes."""
FIRST = 4
"""Code of the first block among the operations of nodes; those before it are common to spaces."""


class ChainSpace(SearchSpace):
    """The 32,768 chains of five blocks, written ``conv3-sep3w-skip-conv5-squeeze``."""

    vocabulary = ("blank", "global", "input", "output", *OPTIONS)
    published = NetworkConfig(channels=16, cells_per_stage=1)

    # 1. Which architectures there are.

    def __len__(self) -> int:
        return int(len(OPTIONS) ** LENGTH)

    def enumerate(self) -> list[str]:
        """Every chain, in the order of counting."""
        return [_name(number) for number in range(len(self))]

    def sample(self, rng: np.random.Generator, count: int) -> list[str]:
        """Draw different chains, all as likely."""
        if not 0 <= count <= len(self):
            raise BudgetError(f"Cannot draw {count} different chains of {len(self)}.")
        return [_name(number) for number in rng.choice(len(self), count, replace=False)]

    def mutate(self, arch_id: str, rng: np.random.Generator) -> str:
        """Put another block in one place, both drawn uniformly."""
        blocks = _blocks(arch_id)
        place = int(rng.integers(LENGTH))
        step = int(rng.integers(1, len(OPTIONS)))
        blocks[place] = OPTIONS[(OPTIONS.index(blocks[place]) + step) % len(OPTIONS)]
        return "-".join(blocks)

    def canonical(self, text: str) -> str:
        """Return the chain that a string means; refuse what is none."""
        return "-".join(_blocks(text))

    # 2. What they look like to a predictor.

    def encode(self, arch_ids: Sequence[str], view: View) -> GraphBatch:
        """Graphs of 8 nodes: global, input, five blocks, output."""
        if view not in VIEWS:
            raise UnknownNameError("view", view, VIEWS)
        ops = np.empty((len(arch_ids), LENGTH + 2), np.int8)
        ops[:, 0], ops[:, -1] = INPUT, OUTPUT
        for row, arch_id in enumerate(arch_ids):
            ops[row, 1:-1] = [FIRST + OPTIONS.index(block) for block in _blocks(arch_id)]
        if view != "raw":  # a skipped block costs nothing: it is bypassed
            ops[ops == FIRST + OPTIONS.index("skip")] = BLANK
        adj = np.zeros((*ops.shape, LENGTH + 2), np.int8)
        for row, kept in enumerate(ops != BLANK):
            path = np.flatnonzero(kept)
            adj[row, path[:-1], path[1:]] = 1
        return with_global_node(ops, adj, len(self.vocabulary))

    def isomorphism_ids(self, arch_ids: Sequence[str]) -> list[str]:
        """Ids of chains; those that differ only in the places of skips are isomorphic."""
        return [
            "-".join(block for block in _blocks(arch_id) if block != "skip") or "skip"
            for arch_id in arch_ids
        ]

    # 3. The networks, and what they cost.

    def build(self, arch_id: str, config: NetworkConfig | None = None) -> nn.Module:
        """Stem, stages of chains, classifier."""
        from torch import nn  # noqa: PLC0415 - graphs need no torch

        sizes = config or self.published
        layers = list(_plan(_blocks(arch_id), sizes))
        head = nn.Linear(layers[-1].outputs, sizes.classes)
        modules = [_module(layer) for layer in layers]
        return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)

    def cost(
        self, arch_ids: Sequence[str], config: NetworkConfig | None = None
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Counted from the plan of the network, without building it."""
        sizes = config or self.published
        counted = np.zeros((2, len(arch_ids)))
        for row, arch_id in enumerate(arch_ids):
            layers = list(_plan(_blocks(arch_id), sizes))
            counted[:, row] = (layers[-1].outputs + 1) * sizes.classes
            for layer in layers:
                counted[:, row] += _cost(layer)
        return counted[0], counted[1]


def _name(number: int) -> str:
    base = len(OPTIONS)
    return "-".join(OPTIONS[number // base**place % base] for place in reversed(range(LENGTH)))


def _blocks(text: str) -> list[str]:
    blocks = text.strip().split("-")
    if len(blocks) != LENGTH or not set(blocks) <= set(OPTIONS):
        raise ArchitectureError(
            f"{text!r} is not a chain: write {LENGTH} of {', '.join(OPTIONS)}, joined by dashes, "
            "as in conv3-sep3w-skip-conv5-squeeze."
        )
    return blocks


@dataclass(frozen=True)
class Layer:
    """A layer of the network: kind, channels, and pixels of its output."""

    kind: str
    inputs: int
    outputs: int
    pixels: int
    stride: int = 1


def _plan(blocks: list[str], sizes: NetworkConfig) -> Iterator[Layer]:
    """Layers in their order: stem, stages of chains at growing width, strided between them."""
    colours, height, width = sizes.input_shape
    channels = sizes.channels
    yield Layer("conv3", colours, channels, height * width)
    for stage in range(sizes.stages):
        base = sizes.channels << stage
        if stage:
            height, width = (height + 1) // 2, (width + 1) // 2
            yield Layer("conv3", channels, base, height * width, stride=2)
            channels = base
        for block in blocks * sizes.cells_per_stage:
            keeps = block in ("skip", "squeeze")
            outputs = channels if keeps else 2 * base if block.endswith("w") else base
            if block != "skip":
                yield Layer(block.removesuffix("w"), channels, outputs, height * width)
            channels = outputs


def _module(layer: Layer) -> nn.Module:
    from torch import nn  # noqa: PLC0415

    if layer.kind == "squeeze":
        return _squeeze(layer.inputs)
    size, stride = int(layer.kind[-1]), layer.stride
    filters = layer.inputs
    parts: list[nn.Module] = []
    if layer.kind == "sep3":  # one filter a channel, then 1 x 1 over all of them
        parts.append(nn.Conv2d(filters, filters, 3, padding=1, groups=filters, bias=False))
        size = 1
    parts.append(nn.Conv2d(filters, layer.outputs, size, stride, size // 2, bias=False))
    return nn.Sequential(*parts, nn.BatchNorm2d(layer.outputs), nn.ReLU())


def _squeeze(channels: int) -> nn.Module:
    """Squeeze and excitation (Hu et al., CVPR 2018, arXiv 1709.01507): channels are weighted."""
    from torch import nn  # noqa: PLC0415

    narrow = max(1, channels // 4)

    class Squeeze(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            down, up = nn.Conv2d(channels, narrow, 1), nn.Conv2d(narrow, channels, 1)
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), down, nn.ReLU(), up, nn.Sigmoid())

        def forward(self, x: Tensor) -> Tensor:
            gate: Tensor = self.gate(x)
            return x * gate

    return Squeeze()


def _cost(layer: Layer) -> tuple[int, int]:
    """Parameters and multiply-adds; those of normalisation, pooling and sums do not count."""
    inputs, outputs = layer.inputs, layer.outputs
    if layer.kind == "squeeze":  # on one pixel, biases too
        narrow = max(1, inputs // 4)
        weights = narrow * (inputs + 1) + inputs * (narrow + 1)
        return weights, weights
    size = int(layer.kind[-1])
    weights = inputs * outputs * size**2
    if layer.kind == "sep3":
        weights = inputs * size**2 + inputs * outputs
    return weights + 2 * outputs, weights * layer.pixels
