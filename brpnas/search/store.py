"""The store of a search on disk: an append-only event log, safe against `kill -9`.

A `brpnas.journal.Journal` of ``measurement`` events (of proposals), ``plan`` events (the
architectures of a round, before its first query) and ``answer`` events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from brpnas.errors import StoreError
from brpnas.journal import Journal
from brpnas.search.events import EventLog
from brpnas.search.history import Measurement, Plan, Record
from brpnas.typed import parse_typed

__all__ = ["SearchStore"]


class SearchStore(EventLog):
    """An `EventLog` kept in a file; a context manager.

    Args:
        path: File to create or to continue; its folder is created.
        fingerprint: Definition of the search (JSON types), see `search_fingerprint`. The budget is
            not part of it: a raised budget continues the same search.

    Raises:
        StoreError: If the store belongs to another search, another process holds it, or it is
            damaged anywhere but in its last line.
    """

    def __init__(self, path: Path, fingerprint: Mapping[str, object]) -> None:
        super().__init__()
        self._journal = Journal(path, fingerprint, self._replay, "search store")
        self.path = self._journal.path

    def add_measurement(self, measurement: Measurement) -> None:
        """Store a measurement."""
        super().add_measurement(measurement)
        self._journal.append({"event": "measurement", **asdict(measurement)})

    def add_plan(self, plan: Plan) -> None:
        """Store the plan of a round."""
        super().add_plan(plan)
        self._journal.append({"event": "plan", **asdict(plan)})

    def add_answer(self, record: Record) -> None:
        """Store an answer."""
        super().add_answer(record)
        self._journal.append({"event": "answer", **asdict(record)})

    def close(self) -> None:
        """Close the file and give up the lock."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _replay(self, event: dict[str, Any]) -> None:
        match event.pop("event", None), event:
            case "measurement", dict(fields):
                super().add_measurement(parse_typed(Measurement, fields))
            case "plan", dict(fields):
                super().add_plan(parse_typed(Plan, fields))
            case "answer", dict(fields):
                super().add_answer(parse_typed(Record, fields))
            case _:
                raise StoreError("not an event")
