"""Resumable latency measurement of many cells.

`measure_cells` is the entry. `measure_one` measures one cell from a picklable task, so that an
engine of `brpnas.fanout` can run it elsewhere.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from brpnas.datasets import LATENCY, validate
from brpnas.datasets.schemas import MIN_LATENCY_MS
from brpnas.errors import MeasurementError, TaskError
from brpnas.fanout import Engine, SerialEngine
from brpnas.measure.drift import Drift, reference_cell, warn_of_drift
from brpnas.measure.hardware import Machine, describe_machine
from brpnas.measure.setup import MeasureSettings, time_cell
from brpnas.measure.store import MeasureStore, Row, task_of
from brpnas.spaces import space_fingerprint

__all__ = ["CellTask", "MeasureResult", "measure_cells", "measure_one", "not_believed", "probe"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class CellTask:
    """One measurement.

    Args:
        arch_id: The cell.
        settings: How to measure it.
        number: Number of a measurement of the reference network; None for a requested cell.
    """

    arch_id: str
    settings: MeasureSettings
    number: int | None = None


@dataclass(frozen=True, eq=False)
class MeasureResult:
    """Result of a measurement.

    Args:
        rows: A row per cell in the store, earlier calls included, in the order of measuring:
            ``arch_id, latency_ms, std_ms, repeats, time, load, seconds, host``.
        references: The same columns for the reference network, in the order of measuring.
        failures: Error of each requested cell that failed.
        drift: Drift of the reference network over the whole store; with several hosts, the
            largest.
        drifted: Whether the drift exceeds the limit.
        machine: Machine that measured.
        seconds: Duration of this call.
        store: File of the store.
        network_size: Size of the networks, see `NetworkConfig.size`.
        precision: Their number format.
    """

    rows: pd.DataFrame
    references: pd.DataFrame
    failures: dict[str, str]
    drift: Drift
    drifted: bool
    machine: Machine
    seconds: float
    store: Path
    network_size: str
    precision: str

    def latency(self, device: str) -> pd.DataFrame:
        """Latency table of the project, with size and precision of the networks.

        Raises:
            SchemaError: If a latency is impossible.
        """
        table = self.rows.assign(
            device=device, network_size=self.network_size, precision=self.precision
        )[list(LATENCY.columns)]
        texts = ("arch_id", "device", "network_size", "precision")
        table = table.astype(dict.fromkeys(texts, "str"))
        origin = f"The measurement of {device}"
        return validate(table.sort_values("arch_id"), LATENCY, origin=origin)


def measure_one(task: CellTask) -> Row:
    """Measure one cell on this machine; see `Row`."""
    start, began, load = time.perf_counter(), datetime.now(UTC), os.getloadavg()[0]
    machine = describe_machine(task.settings.runtime)
    timing = time_cell(task.arch_id, task.settings)
    return {
        "event": "cell" if task.number is None else "reference",
        "arch_id": task.arch_id,
        "latency_ms": timing.latency_ms,
        "std_ms": timing.std_ms,
        "blocks_ms": list(timing.blocks_ms),
        "time": began.isoformat(timespec="seconds"),
        "load": load,
        "seconds": round(time.perf_counter() - start, 3),
        "host": machine.host,
        "machine": machine.identity(),
    }


def probe(settings: MeasureSettings, engine: Engine | None = None) -> Machine:
    """Describe the machine of an engine; without an engine or in series, this machine.

    Raises:
        UnknownNameError: If this machine lacks the space, or the runtime's provider or device.
        ConfigurationError: If the file of the space is invalid.
        MeasurementError: If the workers lack one of them, or have another version of the space.
    """
    mine = space_fingerprint(settings.space)
    if engine is None or isinstance(engine, SerialEngine):
        return describe_machine(settings.runtime)
    ((_, found),) = engine.run(_look_around, [settings])
    if isinstance(found, TaskError):
        raise MeasurementError(f"The machines of the engine cannot measure: {found.message}")
    machine, theirs = found
    if theirs != mine:
        raise MeasurementError(
            f"A worker has another file {settings.space} than this process. Give a path that leads "
            "to the same file on every machine."
        )
    return machine


def _look_around(settings: MeasureSettings) -> tuple[Machine, dict[str, str]]:
    return describe_machine(settings.runtime), space_fingerprint(settings.space)


def measure_cells(
    arch_ids: Sequence[str],
    settings: MeasureSettings,
    store_path: Path,
    *,
    engine: Engine | None = None,
    reference_every: int = 25,
    drift_limit: float = 0.1,
    seed: int = 0,
    progress: bool = True,
) -> MeasureResult:
    """Measure the networks of cells that the store lacks.

    Each row is on the disk before the next cell begins. The same call resumes after an
    interruption and tries failed cells again. A failed cell is recorded; the rest go on.

    Args:
        arch_ids: Cells, each once.
        settings: How to measure.
        store_path: File of the rows, see `brpnas.measure.store`.
        engine: Where to measure; None for this process, one network at a time. Two networks at once
            disturb each other: give an engine with one worker per machine.
        reference_every: Cells between two measurements of the reference network; it is also
            measured first and last.
        drift_limit: Largest drift without a warning, a fraction. Latencies are not corrected.
        seed: Shuffles the cells, so that drift is independent of their kind.
        progress: Show a progress bar.

    Raises:
        UnknownNameError: If the runtime's provider or device does not exist.
        MeasurementError: If no cell or not the reference network could be measured, or rows come
            from different machines.
        StoreError: If the store belongs to another task.
    """
    start = time.perf_counter()
    machine = probe(settings, engine)
    with MeasureStore(store_path, task_of(settings, machine)) as store:
        missing = sorted(set(arch_ids) - set(store.cells))
        order = np.random.default_rng(seed).permutation(len(missing))
        before = store.references[0]["arch_id"] if store.references else None
        tasks = _tasks([missing[i] for i in order], settings, reference_every, before)
        if store.cells or store.references:
            _log.info("Resuming from the %d cells in %s", len(store.cells), store_path)
        with tqdm(
            total=len(set(arch_ids)),
            initial=len(set(arch_ids)) - len(missing),
            desc="measure",
            unit="cell",
            disable=not progress,
        ) as bar:
            for task, outcome in (engine or SerialEngine()).run(measure_one, tasks):
                _record(store, task, outcome)
                bar.update(task.number is None)
        return _result(arch_ids, store, settings, machine, drift_limit, start)


def _tasks(
    arch_ids: Sequence[str], settings: MeasureSettings, every: int, reference: str | None
) -> list[CellTask]:
    """The cells, with the reference network first, after every ``every`` cells, and last."""
    if every < 1:
        raise MeasurementError(f"reference_every must be 1 or more, not {every}.")
    reference = reference or reference_cell(settings.space)
    tasks: list[CellTask] = []
    for start in range(0, len(arch_ids), every):
        tasks.append(CellTask(reference, settings, start))
        tasks += [CellTask(arch_id, settings) for arch_id in arch_ids[start : start + every]]
    return [*tasks, CellTask(reference, settings, len(arch_ids))] if tasks else []


def not_believed(latency_ms: float) -> TaskError:
    """Error for a latency below `MIN_LATENCY_MS`."""
    return TaskError(
        f"It takes {latency_ms:.2g} ms, less than the smallest credible latency of "
        f"{MIN_LATENCY_MS:g} ms: measure larger networks or batches."
    )


def _record(store: MeasureStore, task: CellTask, outcome: Row | TaskError) -> None:
    if not isinstance(outcome, TaskError):
        if outcome["latency_ms"] >= MIN_LATENCY_MS:
            store.add(outcome)
            return
        outcome = not_believed(outcome["latency_ms"])
    if task.number is not None:
        raise MeasurementError(f"The reference network cannot be measured: {outcome.message}")
    _log.warning("%s failed: %s", task.arch_id, outcome.message)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    error = outcome.message
    store.add({"event": "failed", "arch_id": task.arch_id, "error": error, "time": now})


def _result(
    arch_ids: Sequence[str],
    store: MeasureStore,
    settings: MeasureSettings,
    machine: Machine,
    drift_limit: float,
    start: float,
) -> MeasureResult:
    failures = {a: store.failures[a] for a in dict.fromkeys(arch_ids) if a in store.failures}
    if not store.cells:
        why = next(iter(failures.values()), "no cell was requested")
        raise MeasurementError(f"No cell could be measured. First error: {why}")
    hosts: dict[str, list[float]] = {}
    for row in store.references:
        hosts.setdefault(row["host"], []).append(row["latency_ms"])
    drift = max((Drift.of(found) for found in hosts.values()), key=lambda d: d.max_drift)
    return MeasureResult(
        rows=_frame(list(store.cells.values()), settings),
        references=_frame(store.references, settings),
        failures=failures,
        drift=drift,
        drifted=warn_of_drift(drift, drift_limit, store.path),
        machine=machine,
        seconds=time.perf_counter() - start,
        store=store.path,
        network_size=settings.network.size,
        precision=settings.runtime.precision,
    )


def _frame(rows: Sequence[Row], settings: MeasureSettings) -> pd.DataFrame:
    table = pd.DataFrame(rows).assign(repeats=settings.protocol.repeats)
    table["std_ms"] = table["std_ms"].astype(np.float64)
    columns = ["arch_id", "latency_ms", "std_ms", "repeats", "time", "load", "seconds", "host"]
    return table[columns].astype({"repeats": "Int64"})
