"""Latency of single operations, for the layer-wise baseline; NAS-Bench-201 only.

`brpnas.predictors.layerwise.LayerwisePredictor` adds up the table of `measure_operations`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from tqdm import tqdm

from brpnas.datasets import OPERATIONS as SCHEMA
from brpnas.datasets import validate
from brpnas.errors import ConfigurationError, MeasurementError, TaskError
from brpnas.export import initialise_weights
from brpnas.fanout import Engine, SerialEngine
from brpnas.measure.cells import probe
from brpnas.measure.hardware import describe_machine
from brpnas.measure.setup import MeasureSettings, time_module
from brpnas.measure.store import MeasureStore, Row, task_of
from brpnas.predictors.layerwise import ADD, cell_parts, has_layerwise, network_parts
from brpnas.predictors.training import single_thread
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS
from brpnas.spaces.nasbench201.build import MacroNetwork
from brpnas.spaces.nasbench201.layers import Cell, Reduction
from brpnas.spaces.network import NetworkConfig

__all__ = ["OperationTask", "measure_operation", "measure_operations", "operation_modules"]

Shape = tuple[int, int, int]
_BATCH = 4


class _Add(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x


@dataclass(frozen=True)
class OperationTask:
    """One operation to measure, at the width and resolution of a stage."""

    part: str
    stage: int
    settings: MeasureSettings


def measure_operations(
    settings: MeasureSettings,
    store_path: Path,
    *,
    device: str,
    engine: Engine | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Measure each operation that the store lacks.

    Args:
        settings: How to measure.
        store_path: File of the rows, shared with `brpnas.measure.measure_cells`.
        device: Name of the device.
        engine: Where to measure; None for this process.
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
    with MeasureStore(store_path, task_of(settings, probe(settings, engine))) as store:
        missing = [OperationTask(*key, settings) for key in keys if key not in store.operations]
        outcomes = (engine or SerialEngine()).run(measure_operation, missing)
        bar = tqdm(outcomes, "operations", len(missing), disable=not (progress and missing))
        for task, outcome in bar:
            if isinstance(outcome, TaskError):
                raise MeasurementError(
                    f"The operation {task.part} of stage {task.stage} cannot be measured: "
                    f"{outcome.message}"
                )
            store.add(outcome)
        rows = [store.operations[key] for key in keys]
    columns = ["part", "stage", "latency_ms", "std_ms"]
    table = pd.DataFrame([[row[name] for name in columns] for row in rows], columns=columns)
    table = table.astype({"part": "str", "std_ms": "float64"}).assign(
        device=pd.Series([device] * len(rows), dtype="str"),
        cells_per_stage=network.cells_per_stage,
        executes_dead_ops=dead,
    )
    return validate(table, SCHEMA, origin=f"The operations measured on {device}")


def measure_operation(task: OperationTask) -> Row:
    """Measure one operation on this machine."""
    start, began, load = time.perf_counter(), datetime.now(UTC), os.getloadavg()[0]
    settings = task.settings
    module, shape = next(
        (module, shape)
        for part, stage, module, shape in operation_modules(settings.network)
        if (part, stage) == (task.part, task.stage)
    )
    with single_thread():
        initialise_weights(module, shape, settings.seed, batch=_BATCH)
    timing = time_module(module, shape, settings)
    machine = describe_machine(settings.runtime)
    return {
        "event": "operation",
        "part": task.part,
        "stage": task.stage,
        "latency_ms": timing.latency_ms,
        "std_ms": timing.std_ms,
        "time": began.isoformat(timespec="seconds"),
        "load": load,
        "seconds": round(time.perf_counter() - start, 3),
        "host": machine.host,
        "machine": machine.identity(),
    }


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
