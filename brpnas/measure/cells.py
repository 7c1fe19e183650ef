"""Resumable latency measurement of many cells."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from brpnas.datasets import LATENCY, MEASURED, validate
from brpnas.datasets.schemas import MIN_LATENCY_MS
from brpnas.errors import MeasurementError, TaskError
from brpnas.measure.batch import EVERY, time_batch
from brpnas.measure.drift import Drift, reference_cell, warn_of_drift
from brpnas.measure.hardware import Machine
from brpnas.measure.setup import MeasureSettings, cell_artifact
from brpnas.measure.store import MeasureStore, task_of
from brpnas.measure.targets import LocalTarget, Row, Rows, Target
from brpnas.spaces import space_fingerprint

__all__ = [
    "MeasureResult",
    "collect",
    "measure_cells",
    "not_believed",
    "probe",
    "record_row",
    "work_folder",
]

_log = logging.getLogger(__name__)
_COLUMNS = [
    *("arch_id", "latency_ms", "std_ms", "repeats", "energy_mj", "peak_memory_mib", "file_kib"),
    *("time", "load", "seconds", "host"),
]
_FIGURES = ["std_ms", "energy_mj", "peak_memory_mib", "file_kib", "load"]


@dataclass(frozen=True, eq=False)
class MeasureResult:
    """Result of a measurement.

    Args:
        rows: A row per cell in the store, earlier calls included, in the order of measuring:
            ``arch_id, latency_ms, std_ms, repeats, energy_mj, peak_memory_mib, file_kib, time,
            load, seconds, host``. Energy is null where the machine has no counter.
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
        """Table of the device, with size and precision of the networks.

        A metric without a value in some rows is left out with a warning: a table holds it in every
        row or in none.

        Raises:
            SchemaError: If a latency is impossible.
        """
        table = self.rows.assign(
            device=device, network_size=self.network_size, precision=self.precision
        )[list(LATENCY.columns)]
        for name in MEASURED:
            missing = int(table[name].isna().sum())
            if 0 < missing < len(table):
                table[name] = np.nan
                _log.warning(
                    "%s is unknown for %d of %d cells of %s, so the table leaves it out: measure "
                    "these cells again in a new store to have it.",
                    *(name, missing, len(table), device),
                )
        texts = ("arch_id", "device", "network_size", "precision")
        table = table.astype(dict.fromkeys(texts, "str"))
        origin = f"The measurement of {device}"
        return validate(table.sort_values("arch_id"), LATENCY, origin=origin)


def probe(settings: MeasureSettings, target: Target | None = None) -> Machine:
    """Describe the machine of a target.

    Args:
        settings: Runtime and space.
        target: The target; None for this machine.

    Raises:
        UnknownNameError: If the space is unknown, or the runtime's provider does not exist there.
        ConfigurationError: If the file of the space is invalid, or the converter is missing here.
        MeasurementError: If the target cannot be reached, or lacks the runtime.
    """
    settings.runtime.check()
    space_fingerprint(settings.space)
    return (target or LocalTarget()).describe(settings.runtime)


def measure_cells(
    arch_ids: Sequence[str],
    settings: MeasureSettings,
    store_path: Path,
    *,
    target: Target | None = None,
    reference_every: int = EVERY,
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
        store_path: File of the rows, see `brpnas.measure.store`. A folder beside it holds the
            networks meanwhile.
        target: Where to measure; None for this machine.
        reference_every: Cells between two measurements of the reference network; it is also
            measured first and last.
        drift_limit: Largest drift without a warning, a fraction. Latencies are not corrected.
        seed: Shuffles the cells, so that drift is independent of their kind.
        progress: Show a progress bar.

    Raises:
        UnknownNameError: If the runtime's provider does not exist.
        MeasurementError: If no cell or not the reference network could be measured, or rows come
            from different machines.
        StoreError: If the store belongs to another task.
    """
    if reference_every < 1:
        raise MeasurementError(f"reference_every must be 1 or more, not {reference_every}.")
    start = time.perf_counter()
    target = target or LocalTarget()
    machine = probe(settings, target)
    for warning in machine.warnings:
        _log.warning("%s", warning)
    versions = {"device": machine.versions, "converter": settings.versions}
    with MeasureStore(store_path, task_of(settings, machine)) as store:
        missing = sorted(set(arch_ids) - set(store.cells))
        order = np.random.default_rng(seed).permutation(len(missing))
        if store.cells or store.references:
            _log.info("Resuming from the %d cells in %s", len(store.cells), store_path)
        with tqdm(
            total=len(set(arch_ids)),
            initial=len(set(arch_ids)) - len(missing),
            desc="measure",
            unit="cell",
            disable=not progress,
        ) as bar:
            shuffled = [missing[i] for i in order]
            for row in _rows(shuffled, settings, store, target, reference_every):
                record_row(store, row, versions)
                bar.update(row["event"] != "reference")
        return collect(arch_ids, store, settings, machine, drift_limit, start)


def _rows(
    arch_ids: Sequence[str],
    settings: MeasureSettings,
    store: MeasureStore,
    target: Target,
    every: int,
) -> Rows:
    """Rows of the cells, with the reference network first, after every ``every`` cells, last."""
    before = store.references[0]["arch_id"] if store.references else None
    name = before or reference_cell(settings.space)
    reference = (name, partial(cell_artifact, name, settings))
    with work_folder(store.path) as folder:
        for start in range(0, len(arch_ids), every):
            chosen = arch_ids[start : start + every]
            makes = {arch_id: partial(cell_artifact, arch_id, settings) for arch_id in chosen}
            rows = time_batch(
                makes,
                settings,
                target,
                reference=reference,
                reference_first=start == 0,
                folder=folder,
            )
            with closing(rows):
                yield from rows


@contextmanager
def work_folder(store: Path) -> Iterator[Path]:
    """An empty folder beside a store for the networks of its measurement, removed at the end.

    Args:
        store: File of the store. Its lock is held, so that one measurement uses the folder.
    """
    folder = store.with_name(f".{store.name}.work")
    shutil.rmtree(folder, ignore_errors=True)  # of a killed process
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def not_believed(latency_ms: float) -> TaskError:
    """Error for a latency below `MIN_LATENCY_MS`."""
    return TaskError(
        f"It takes {latency_ms:.2g} ms, less than the smallest credible latency of "
        f"{MIN_LATENCY_MS:g} ms: measure larger networks or batches."
    )


def record_row(store: MeasureStore, row: Row, versions: Mapping[str, Mapping[str, str]]) -> None:
    """Put a row of a target into the store.

    Args:
        store: The store.
        row: The row.
        versions: Versions of packages on the device and of the converter, which rows of the
            reference network record.

    Raises:
        MeasurementError: If the reference network failed, or another kind of machine measured.
    """
    error = row.get("error")
    if error is None and row["latency_ms"] < MIN_LATENCY_MS:
        error = not_believed(row["latency_ms"]).message
        if row["event"] == "reference":
            raise MeasurementError(f"The reference network cannot be measured: {error}")
    if error is None:
        if row["event"] == "reference":
            store.add({**row, "arch_id": row["name"], "versions": versions})
        else:
            store.add({**row, "event": "cell", "arch_id": row["name"]})
        return
    _log.warning("%s failed: %s", row["name"], error)
    failed = {"event": "failed", "arch_id": row["name"], "error": error, "time": row["time"]}
    store.add(failed)


def collect(
    arch_ids: Sequence[str],
    store: MeasureStore,
    settings: MeasureSettings,
    machine: Machine,
    drift_limit: float,
    start: float,
) -> MeasureResult:
    """The result of the rows in a store.

    Args:
        arch_ids: Requested cells.
        store: The store.
        settings: How they were measured.
        machine: Machine that measured.
        drift_limit: Largest drift without a warning, a fraction.
        start: Begin of this call, by `time.perf_counter`.

    Raises:
        MeasurementError: If no cell is measured.
    """
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
    table[_FIGURES] = table[_FIGURES].astype(np.float64)
    return table[_COLUMNS].astype({"repeats": "Int64"})
