"""The store of a measurement: a journal with one row per cell, written the moment it is known.

`MeasureStore` is the journal with its rows at hand. Its task is settings and machine, not the list
of cells, so that more cells later continue the same file.
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
"""``event`` (``cell``, ``reference``, ``operation`` or ``failed``), ``arch_id`` (of an operation
``part`` and ``stage``), and either ``error`` or the
latency: ``latency_ms, std_ms, blocks_ms``; beside it ``time`` (UTC), ``load`` (processes waiting
for a CPU when it began), ``seconds`` that it took in all, ``host`` and ``machine``."""


def task_of(settings: MeasureSettings, machine: Machine) -> dict[str, Any]:
    """What must be equal for latencies to lie in one store (JSON types)."""
    return {"settings": settings.fingerprint(), "machine": machine.identity()}


def store_name(task: Mapping[str, Any]) -> str:
    """Name of a file for a task, for folders that hold several."""
    digest = hashlib.sha256(json.dumps(task, sort_keys=True).encode()).hexdigest()
    return f"measure-{digest[:16]}.jsonl"


class _Failed(BaseModel):
    """A cell that could not be measured."""

    arch_id: str
    error: str


class _Measured(BaseModel):
    """What all measurements have."""

    latency_ms: Positive
    std_ms: Finite | None
    blocks_ms: list[Positive] = Field(default_factory=list)
    time: str
    load: Finite
    seconds: Finite
    host: str
    machine: dict[str, Any]


class _Cell(_Measured):
    """A cell, or the reference network."""

    event: str
    arch_id: str


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


class MeasureStore:
    """Rows on the disk, and in memory by what they are; a context manager.

    Args:
        path: File to create or to continue.
        task: What `task_of` says.

    Attributes:
        cells: Row of each measured cell.
        failures: Error of each cell that failed and has not been measured since.
        references: Rows of the reference network, in the order of measuring.
        operations: Row of each operation measured alone, by part and stage.

    Raises:
        StoreError: If the file belongs to another task, another process holds it, or it is damaged.
    """

    def __init__(self, path: Path, task: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self._machine = json.loads(json.dumps(task["machine"]))  # as it is read again
        self.cells: dict[str, Row] = {}
        self.failures: dict[str, str] = {}
        self.references: list[Row] = []
        self.operations: dict[tuple[str, int], Row] = {}
        self._journal = Journal(self.path, task, self._keep, "measurement store")

    def add(self, row: Row) -> None:
        """Put a row on the disk.

        Raises:
            MeasurementError: If another kind of machine measured it.
        """
        if row.get("machine", self._machine) != self._machine:
            raise MeasurementError(
                f"{row['host']} is another machine than the others ({row['machine']} there, "
                f"{self._machine} here), and latencies of the two are not to be mixed. Measure on "
                "machines of one kind; what they have measured so far is kept."
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
