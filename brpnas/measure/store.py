"""The store of a measurement: a journal with one row per cell, written at once.

Its task is settings and machine, not the list of cells: more cells continue the same file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import BaseModel, Field

from brpnas.errors import MeasurementError, StoreError
from brpnas.journal import Journal
from brpnas.measure.hardware import Machine
from brpnas.measure.setup import MeasureSettings
from brpnas.typed import Count, Finite, Positive, parse_typed

__all__ = ["MeasureStore", "Row", "store_name", "task_of"]

Row = dict[str, Any]
"""``event`` (``cell``, ``reference``, ``operation`` or ``failed``), ``arch_id`` (for an operation
``part`` and ``stage``), and either ``error`` or the figures of `brpnas.measure.targets.base`:
``latency_ms, std_ms, blocks_ms, time`` (UTC), ``load`` (processes waiting for a CPU at the start),
``seconds`` (duration), ``host``, ``machine`` and others. A ``reference`` also has ``versions`` of
packages, by ``device`` and ``converter``."""


def task_of(settings: MeasureSettings, machine: Machine) -> dict[str, Any]:
    """Settings and machine: equal for all latencies of a store (JSON types)."""
    return {"settings": settings.fingerprint(), "machine": machine.identity()}


def store_name(task: Mapping[str, Any]) -> str:
    """File name for a task in a folder of several stores."""
    digest = hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()
    return f"measure-{digest[:16]}.jsonl"


class _Failed(BaseModel):
    """A cell that could not be measured."""

    arch_id: str
    error: str


class _Measured(BaseModel):
    """Fields of all measurements."""

    latency_ms: Positive
    std_ms: Finite | None
    blocks_ms: list[Positive] = Field(default_factory=list)
    time: str
    load: Finite | None
    seconds: Finite
    host: str
    machine: dict[str, Any]
    energy_mj: Finite | None
    peak_memory_mib: Finite | None
    file_kib: Finite


class _Cell(_Measured):
    """A cell, or the reference network."""

    event: str
    arch_id: str
    versions: dict[str, dict[str, str]] = Field(default_factory=dict)


class _Operation(_Measured):
    """An operation measured alone."""

    part: str
    stage: Count


_KINDS: dict[str, type[_Failed | _Cell | _Operation]] = {
    "failed": _Failed,
    "cell": _Cell,
    "reference": _Cell,
    "operation": _Operation,
}


def _kind_of(row: Row) -> str:
    kind = row.get("event")
    if kind not in _KINDS:
        raise StoreError(f"a row of kind {kind!r:.80}")
    return str(kind)


def _check_age(path: Path) -> None:
    """Refuse a store of the versions before the runner.

    Raises:
        StoreError: If it is one.
    """
    try:
        with path.open(encoding="utf-8") as file:
            settings = json.loads(file.readline())["fingerprint"]["settings"]
            old = "protocol" in settings and "runner" not in settings
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return  # `Journal` says what is wrong
    if old:
        raise StoreError(
            f"The measurement store {path} belongs to an earlier version of brpnas. It timed "
            "networks in another way, and old and new latencies must not be mixed. Tables made "
            "from it remain valid. To measure more cells, give another output, or delete the store "
            "and its table and measure all cells again."
        )


class MeasureStore:
    """Rows on the disk and in memory, by kind; a context manager.

    Args:
        path: File to create or to continue.
        task: The task, from `task_of`.

    Attributes:
        cells: Row of each measured cell.
        failures: Error of each cell that failed and was not measured later.
        references: Rows of the reference network, in the order of measuring.
        operations: Row of each operation, by part and stage.

    Raises:
        StoreError: If the file belongs to another task, is locked by another process, or is
            damaged.
    """

    def __init__(self, path: Path, task: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self._machine = json.loads(json.dumps(task["machine"]))  # as it is read again
        self.cells: dict[str, Row] = {}
        self.failures: dict[str, str] = {}
        self.references: list[Row] = []
        self.operations: dict[tuple[str, int], Row] = {}
        _check_age(self.path)
        self._journal = Journal(self.path, task, self._keep, "measurement store")

    def add(self, row: Row) -> None:
        """Put a row on the disk.

        Raises:
            MeasurementError: If another kind of machine measured the row.
        """
        if row.get("machine", self._machine) != self._machine:
            raise MeasurementError(
                f"{row['host']} is another kind of machine ({row['machine']} there, "
                f"{self._machine} here); their latencies must not be mixed. Measure on machines "
                "of one kind; finished measurements are kept."
            )
        self._journal.append(row)
        self._keep(row)

    def _keep(self, row: Row) -> None:
        event = parse_typed(_KINDS[_kind_of(row)], row)
        if isinstance(event, _Failed):
            self.failures[event.arch_id] = event.error
            return
        if event.machine != self._machine:
            raise StoreError("a row of another machine")
        if isinstance(event, _Operation):
            self.operations[event.part, event.stage] = row
        elif event.event == "reference":
            self.references.append(row)
        else:
            self.cells[event.arch_id] = row
            self.failures.pop(event.arch_id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._journal.close()
