"""Latency of single operations, for the layer-wise baseline; NAS-Bench-201 only.

`brpnas.predictors.layerwise.LayerwisePredictor` adds up the table of `measure_operations`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from brpnas.datasets import OPERATIONS as SCHEMA
from brpnas.datasets import validate
from brpnas.errors import ConfigurationError, MeasurementError
from brpnas.export import initialise_weights
from brpnas.measure.artifacts import Artifact, make_artifact
from brpnas.measure.batch import time_batch
from brpnas.measure.cells import probe, work_folder
from brpnas.measure.setup import MeasureSettings
from brpnas.measure.store import MeasureStore, task_of
from brpnas.measure.targets import LocalTarget, Target
from brpnas.predictors.layerwise import ADD, cell_parts, has_layerwise, network_parts
from brpnas.predictors.training import single_thread
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS
from brpnas.spaces.nasbench201.build import MacroNetwork
from brpnas.spaces.nasbench201.layers import Cell, Reduction
from brpnas.spaces.network import NetworkConfig

__all__ = ["measure_operations", "operation_modules"]

Shape = tuple[int, int, int]
_BATCH = 4


class _Add(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x


def measure_operations(
    settings: MeasureSettings,
    store_path: Path,
    *,
    device: str,
    target: Target | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure each operation that the store lacks.

    Args:
        settings: How to measure.
        store_path: File of the rows, shared with `brpnas.measure.measure_cells`.
        device: Name of the device.
        target: Where to measure; None for this machine.
        progress: Show a progress bar.

    Returns:
        Table of operations (`brpnas.datasets.OPERATIONS`).

    Raises:
        ConfigurationError: If the space is not NAS-Bench-201 (`has_layerwise`).
        MeasurementError: If an operation cannot be measured.
        StoreError: If the store belongs to another task.
    """
    if not has_layerwise(settings.space):
        raise ConfigurationError(
            f"The operations of {settings.space} cannot be measured alone: the layer-wise baseline "
            "supports nasbench201 only. Measure without operations."
        )
    network = settings.network
    dead = network.executes_dead_ops
    keys = network_parts(network.stages, executes_dead_ops=dead)
    target = target or LocalTarget()
    with MeasureStore(store_path, task_of(settings, probe(settings, target))) as store:
        missing = {f"{key[0]} {key[1]}": key for key in keys if key not in store.operations}
        makes = {name: partial(_artifact, name, key, settings) for name, key in missing.items()}
        with work_folder(store.path) as folder:
            rows = time_batch(makes, settings, target, folder=folder)
            for row in tqdm(rows, "operations", len(makes), disable=not (progress and makes)):
                part, stage = missing[row["name"]]
                if row["event"] == "failed":
                    raise MeasurementError(
                        f"The operation {part} of stage {stage} cannot be measured: {row['error']}"
                    )
                store.add({**row, "event": "operation", "part": part, "stage": stage})
        found = [store.operations[key] for key in keys]
    columns = ["part", "stage", "latency_ms", "std_ms"]
    table = pd.DataFrame([[row[name] for name in columns] for row in found], columns=columns)
    table = table.astype({"part": "str", "std_ms": "float64"}).assign(
        device=pd.Series([device] * len(found), dtype="str"),
        cells_per_stage=network.cells_per_stage,
        executes_dead_ops=dead,
    )
    return validate(table, SCHEMA, origin=f"The operations measured on {device}")


def _artifact(name: str, key: tuple[str, int], settings: MeasureSettings, folder: Path) -> Artifact:
    """Convert one operation, at the width and resolution of its stage."""
    module, shape = next(
        (module, shape)
        for part, stage, module, shape in operation_modules(settings.network)
        if (part, stage) == key
    )
    with single_thread():
        initialise_weights(module, shape, settings.seed, batch=_BATCH)
    whole = (settings.batch_size, *shape)
    return make_artifact(name, module.eval(), whole, settings.runtime, folder, seed=settings.seed)


def operation_modules(network: NetworkConfig) -> Iterator[tuple[str, int, nn.Module, Shape]]:
    """Yield part, stage, module and input shape ``(C, H, W)`` of each operation."""
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
                if name in cell_parts(executes_dead_ops=network.executes_dead_ops):
                    cell = Cell((code,) * len(EDGES), channels, executes_dead_ops=True)
                    yield name, stage, cell.operations["0to1"], shape
            yield ADD, stage, _Add(), shape
        head = nn.Sequential(whole.last, nn.Flatten(), whole.classifier)
        yield "head", network.stages - 1, head, (channels, height, width)
