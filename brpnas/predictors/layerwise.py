"""The layer-wise baseline: the latency of a network as the sum of its operations.

`LayerwisePredictor` predicts any cell from a table of operations, made by
`brpnas.measure.measure_operations`; `brpnas.datasets` ships some. It is the baseline of the paper
(Dudziak et al., NeurIPS 2020, arXiv 2007.08668, section 3) and learns nothing. It misses
interactions of operations: fusion, caches, and the cost of a call. It covers NAS-Bench-201 only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import SchemaError
from brpnas.spaces import NasBench201, SearchSpace, get_space
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS
from brpnas.spaces.nasbench201.cell import live_edges

__all__ = ["ADD", "LayerwisePredictor", "cell_parts", "has_layerwise", "network_parts"]

ADD = "add"
"""Part for the sum of two tensors."""


@dataclass(frozen=True, eq=False)
class LayerwisePredictor:
    """Predicts a cell's network as the sum of its operations.

    Args:
        operations: Operations of one device: columns ``part, stage, latency_ms`` and, constant,
            ``cells_per_stage`` and ``executes_dead_ops``; others are ignored. Parts of a stage are
            the operations of a cell and ``add``; ``stem``, ``reduction`` (before its stage) and
            ``head`` are in every network. The table decides the number of stages.

    Raises:
        SchemaError: If the table lacks a part, or mixes networks.
    """

    operations: pd.DataFrame
    stages: int = field(init=False)
    cells_per_stage: int = field(init=False)
    executes_dead_ops: bool = field(init=False)

    def __post_init__(self) -> None:
        table = self.operations
        sizes = table[["cells_per_stage", "executes_dead_ops"]].drop_duplicates()
        if len(sizes) != 1:
            raise SchemaError(f"The table of operations mixes {len(sizes)} sizes of networks.")
        object.__setattr__(self, "stages", int(table["stage"].max()) + 1)
        object.__setattr__(self, "cells_per_stage", int(sizes["cells_per_stage"].iloc[0]))
        object.__setattr__(self, "executes_dead_ops", bool(sizes["executes_dead_ops"].iloc[0]))
        there = set(zip(table["part"], table["stage"], strict=True))
        wanted = network_parts(self.stages, executes_dead_ops=self.executes_dead_ops)
        lacking = [key for key in wanted if key not in there]
        if lacking:
            raise SchemaError(f"The table of operations lacks {lacking}: measure them again.")

    def predict(self, arch_ids: Sequence[str]) -> npt.NDArray[np.float64]:
        """Latency in ms, shape ``[N]``.

        Raises:
            ArchitectureError: If a string is not a cell.
        """
        latency = self.operations.set_index(["part", "stage"])["latency_ms"]
        counts = _executed(arch_ids, self.executes_dead_ops)
        total = np.full(len(arch_ids), 0.0)
        for part, stage in network_parts(self.stages, executes_dead_ops=self.executes_dead_ops):
            times = counts[part] * self.cells_per_stage if part in counts else 1
            total += times * float(latency[part, stage])
        return total


def has_layerwise(space: SearchSpace | str) -> bool:
    """Whether the baseline covers a space.

    Raises:
        UnknownNameError: If the space is unknown.
    """
    return get_space(space).name == NasBench201.name


def cell_parts(*, executes_dead_ops: bool) -> list[str]:
    """Parts of a cell; a bypassed connection costs nothing if dead code is removed."""
    free = () if executes_dead_ops else ("skip_connect",)
    return [*(name for name in OPERATIONS if name not in free), ADD]


def network_parts(stages: int, *, executes_dead_ops: bool) -> list[tuple[str, int]]:
    """Every part of a network with its stage."""
    names = cell_parts(executes_dead_ops=executes_dead_ops)
    cells = [(part, stage) for stage in range(stages) for part in names]
    reductions = [("reduction", stage) for stage in range(1, stages)]
    return [("stem", 0), *cells, *reductions, ("head", stages - 1)]


def _executed(arch_ids: Sequence[str], dead: bool) -> dict[str, npt.NDArray[np.int64]]:
    """Executions of each part of a cell, each ``[N]``."""
    codes = NasBench201().codes(arch_ids)
    kept = np.ones(codes.shape, bool) if dead else np.array([live_edges(c) for c in codes], bool)
    kept = kept.reshape(codes.shape)
    counts = {
        name: (kept & (codes == code)).sum(axis=1, dtype=np.int64)
        for code, name in enumerate(OPERATIONS)
    }
    targets = np.array([target for _, target in EDGES])
    into = np.stack([kept[:, targets == t].sum(axis=1) for t in sorted(set(targets))], axis=1)
    counts[ADD] = np.maximum(into - 1, 0).sum(axis=1, dtype=np.int64)
    if not dead:  # a cell without a path multiplies by zero, once
        counts["none"] = (~kept.any(axis=1)).astype(np.int64)
    return counts
