"""The layer-wise baseline: measure each operation alone, add up what a network executes.

`measure_operations` gives a `LayerwisePredictor`, which predicts any cell without measuring it. It
is the baseline of the paper (Dudziak et al., NeurIPS 2020, arXiv 2007.08668, section 3); what it
misses is what operations do to one another: fusion, caches, and the cost of a call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from brpnas.errors import SchemaError
from brpnas.export import initialise_weights
from brpnas.measure.protocol import Timing
from brpnas.measure.setup import MeasureSettings, time_module
from brpnas.predictors.training import single_thread
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS
from brpnas.spaces.nasbench201.build import MacroNetwork, NetworkConfig
from brpnas.spaces.nasbench201.layers import Cell, Reduction, live_edges

__all__ = ["LayerwisePredictor", "measure_operations", "operation_modules"]

Shape = tuple[int, int, int]
_BATCH = 4
_ADD = "add"


class _Add(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x


@dataclass(frozen=True, eq=False)
class LayerwisePredictor:
    """Predicts a cell's network as the sum of its operations.

    Args:
        operations: Columns ``part, stage, latency_ms, std_ms``. Parts of a stage are the operations
            of a cell and ``add``, the sum of two tensors; ``stem``, ``reduction`` (before its
            stage) and ``head`` are in every network.
        network: Sizes of the network; dead operations count if it executes them.

    Raises:
        SchemaError: If the table lacks a part of that network.
    """

    operations: pd.DataFrame
    network: NetworkConfig

    def __post_init__(self) -> None:
        there = set(zip(self.operations["part"], self.operations["stage"], strict=True))
        lacking = [key for key in _parts(self.network) if key not in there]
        if lacking:
            raise SchemaError(f"The table of operations lacks {lacking}: measure them again.")

    def predict(self, arch_ids: Sequence[str]) -> npt.NDArray[np.float64]:
        """Latency in ms, shape ``[N]``.

        Raises:
            ArchitectureError: If a string is not a cell.
        """
        latency = self.operations.set_index(["part", "stage"])["latency_ms"]
        counts = _executed(arch_ids, self.network.executes_dead_ops)
        total = np.full(len(arch_ids), 0.0)
        for part, stage in _parts(self.network):
            times = counts[part] * self.network.cells_per_stage if part in counts else 1
            total += times * float(latency[part, stage])
        return total


def measure_operations(settings: MeasureSettings, *, progress: bool = True) -> LayerwisePredictor:
    """Measure every operation alone, at the widths and resolutions that it has in the network."""
    rows = []
    modules = list(operation_modules(settings.network))
    for part, stage, module, shape in tqdm(modules, "operations", disable=not progress):
        timing = _time(module, shape, settings)
        row = {"part": part, "stage": stage}
        rows.append(row | {"latency_ms": timing.latency_ms, "std_ms": timing.std_ms})
    table = pd.DataFrame(rows).astype({"std_ms": "float64"})
    return LayerwisePredictor(table, settings.network)


def operation_modules(network: NetworkConfig) -> Iterator[tuple[str, int, nn.Module, Shape]]:
    """Yield part, stage, module, and shape of its input ``(C, H, W)``, for all that is measured."""
    with torch.random.fork_rng(devices=[]):
        whole = MacroNetwork((0,) * len(EDGES), network)
        _, height, width = network.input_shape
        channels = network.channels
        yield "stem", 0, whole.stem, network.input_shape
        for stage in range(network.stages):
            if stage:
                reduction = Reduction(channels, odd=bool(height % 2 or width % 2))
                yield "reduction", stage, reduction, (channels, height, width)
                channels, height, width = 2 * channels, (height + 1) // 2, (width + 1) // 2
            shape = (channels, height, width)
            for code, name in enumerate(OPERATIONS):
                if name in _cell_parts(network):
                    cell = Cell((code,) * len(EDGES), channels, executes_dead_ops=True)
                    yield name, stage, cell.operations["0to1"], shape
            yield _ADD, stage, _Add(), shape
        head = nn.Sequential(whole.last, nn.Flatten(), whole.classifier)
        yield "head", network.stages - 1, head, (channels, height, width)


def _cell_parts(network: NetworkConfig) -> list[str]:
    """What a cell is made of; a bypassed connection costs nothing where dead code is removed."""
    free = () if network.executes_dead_ops else ("skip_connect",)
    return [*(name for name in OPERATIONS if name not in free), _ADD]


def _parts(network: NetworkConfig) -> list[tuple[str, int]]:
    stages = range(network.stages)
    cells = [(part, stage) for stage in stages for part in _cell_parts(network)]
    reductions = [("reduction", stage) for stage in stages[1:]]
    return [("stem", 0), *cells, *reductions, ("head", network.stages - 1)]


def _time(module: nn.Module, shape: Shape, settings: MeasureSettings) -> Timing:
    with single_thread():
        initialise_weights(module, shape, settings.seed, batch=_BATCH)
    return time_module(module, shape, settings)


def _executed(arch_ids: Sequence[str], dead: bool) -> dict[str, npt.NDArray[np.int64]]:
    """How often a cell executes each of its parts, each ``[N]``."""
    codes = NasBench201().codes(arch_ids)
    kept = np.ones(codes.shape, bool) if dead else np.array([live_edges(c) for c in codes], bool)
    kept = kept.reshape(codes.shape)
    counts = {
        name: (kept & (codes == code)).sum(axis=1, dtype=np.int64)
        for code, name in enumerate(OPERATIONS)
    }
    targets = np.array([target for _, target in EDGES])
    into = np.stack([kept[:, targets == t].sum(axis=1) for t in sorted(set(targets))], axis=1)
    counts[_ADD] = np.maximum(into - 1, 0).sum(axis=1, dtype=np.int64)
    if not dead:  # a cell without a path answers zeros, by one multiplication
        counts["none"] = (~kept.any(axis=1)).astype(np.int64)
    return counts
