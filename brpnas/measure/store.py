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

from brpnas.errors import MeasurementError, StoreError
from brpnas.journal import Journal
from brpnas.measure.hardware import Machine
from brpnas.measure.setup import MeasureSettings

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
        self.path, self._machine = Path(path), task["machine"]
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
        kind = row["event"]
        if kind == "operation":
            self.operations[row["part"], row["stage"]] = row
            return
        arch_id = row["arch_id"]
        if kind == "failed":
            self.failures[arch_id] = row["error"]
        elif kind == "reference":
            self.references.append(row)
        elif kind == "cell" and row["latency_ms"] > 0:
            self.cells[arch_id] = row
            self.failures.pop(arch_id, None)
        else:
            raise StoreError(f"a row of kind {kind!r}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._journal.close()
