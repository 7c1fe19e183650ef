"""A file of events that survives `kill -9`: one JSON object per line, only appended to.

The first line identifies the task. `Journal.append` returns after the line is on the disk: a crash
loses at most the work in flight. The stores of searches, measurements and trainings are journals.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import re
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from brpnas.errors import StoreError

__all__ = ["Journal"]

_VERSION = 1
_SHOWN, _MOST = 200, 20
_log = logging.getLogger(__name__)
_open: weakref.WeakSet[Journal] = weakref.WeakSet()


class Journal:
    """An append-only file of one task; a context manager.

    A last line truncated by a crash is dropped with a warning. One handle of one process holds the
    file; the lock ends with the process, and forked workers do not keep it.

    Args:
        path: File to create or to continue; its folder is created.
        fingerprint: Definition of the task (JSON types).
        replay: Called with each event of an existing file, in order. It checks types and ranges,
            see `brpnas.typed.parse_typed`. Its StoreError, TypeError, ValueError or KeyError means
            a damaged event.
        what: Name of the file in messages, such as ``search store``.

    Raises:
        StoreError: If the file holds events of another task, is held elsewhere, cannot be written,
            or is damaged before its last line.
    """

    def __init__(
        self,
        path: Path,
        fingerprint: Mapping[str, object],
        replay: Callable[[dict[str, Any]], None],
        what: str = "store",
    ) -> None:
        self.path = Path(path)
        self._what, self._replay_event = what, replay
        header = {"event": "task", "version": _VERSION, "fingerprint": fingerprint}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b", buffering=0)
        except OSError as error:
            raise StoreError(
                f"Cannot write the {what} {self.path}: {error.strerror or error}. Give the path of "
                "a file in a writable folder."
            ) from error
        _open.add(self)
        try:
            self._lock()
            self._load(_line(header))
        except BaseException:
            self._file.close()
            raise

    def append(self, event: Mapping[str, object]) -> None:
        """Write an event (JSON types, no NaN) to the disk.

        Raises:
            StoreError: If it cannot be written; earlier events are safe.
        """
        self._append(_line(event))

    def close(self) -> None:
        """Close the file and release the lock."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(
                f"Another process is writing the {self._what} {self.path}. Wait for its end, or "
                "give this task another file."
            ) from error
        except OSError as error:
            raise StoreError(
                f"Cannot lock the {self._what} {self.path}: {error.strerror or error}. Network "
                "file systems may lack locks, or lose them while their service is down: put it "
                "elsewhere."
            ) from error

    def _append(self, line: bytes) -> None:
        size = self._file.seek(0, os.SEEK_END)
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):  # the next event must not follow half of this one
                self._file.truncate(size)
            raise StoreError(
                f"Cannot write the {self._what} {self.path}: {error}. Earlier events are safe: "
                "remove the cause and run the same command again to resume."
            ) from error

    def _load(self, header: bytes) -> None:
        self._file.seek(0)
        data = self._file.read()
        lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
        task = (_decode(data) or {}).get("event") == "task"  # one line: no event to lose
        if data != header and (task or header.startswith(data)):
            self._cut(0, bool(data) and not task)
            self._append(header)
            return
        for number, line in enumerate(lines, start=1):
            event = _decode(line)
            if event is None and number == len(lines) > 1:
                self._cut(len(data) - len(line), True)
                return
            if number == 1:
                self._check_task(event, json.loads(header))
            else:
                self._replay(number, event)
        if not data.endswith(b"\n"):
            self._append(b"\n")

    def _cut(self, size: int, torn: bool) -> None:
        if torn:
            _log.warning("%s: dropped its last line, truncated by a crash", self.path)
        self._file.truncate(size)

    def _replay(self, number: int, event: dict[str, Any] | None) -> None:
        try:
            if event is None:
                raise StoreError("not an event")
            json.dumps(event, allow_nan=False)
            self._replay_event(event)
        except (StoreError, TypeError, ValueError, KeyError, RecursionError) as error:
            raise StoreError(
                f"The {self._what} {self.path} is damaged in line {number}: {error!s:.300}. Cut "
                f"the file off before line {number} to resume from there, or delete it to start "
                "over."
            ) from error

    def _check_task(self, event: dict[str, Any] | None, header: dict[str, Any]) -> None:
        if event is None or event.get("event") != "task":
            raise StoreError(
                f"{self.path} is not a {self._what}: its first line (line 1) names no task. Give "
                "another path, or delete the file to start over."
            )
        try:
            stored, wanted = _flat(event), _flat(header)
        except RecursionError as error:
            raise StoreError(
                f"The {self._what} {self.path} is damaged in line 1 (nested too deep). Give "
                "another path, or delete the file to start over."
            ) from error
        missing = object()
        changes = [
            f"{key:.{_SHOWN}} ({_show(stored, key)} in the store, {_show(wanted, key)} now)"
            for key in sorted({*stored, *wanted})
            if stored.get(key, missing) != wanted.get(key, missing)
        ]
        if changes:
            more = f"; and {len(changes) - _MOST} more" if len(changes) > _MOST else ""
            raise StoreError(
                f"The {self._what} {self.path} belongs to another task. Differences: "
                f"{'; '.join(changes[:_MOST])}{more}. Run with the settings of the store, give "
                "this task another path, or delete the file to start over."
            )


def _line(event: Mapping[str, object]) -> bytes:
    return json.dumps(event, allow_nan=False, separators=(",", ":")).encode() + b"\n"


def _decode(line: bytes) -> dict[str, Any] | None:
    """The event of a line, or None if it is damaged."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Leaves of nested mappings by dotted key."""
    leaves: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            leaves |= _flat(value, "" if name == "fingerprint" else f"{name}.")
        else:
            leaves[name] = value
    return leaves


def _show(leaves: Mapping[str, Any], key: str) -> str:
    return f"{leaves[key]!r:.{_SHOWN}}" if key in leaves else "absent"


def _close_all() -> None:
    """Close the files shared by a forked process with its parent, so that no lock outlives it."""
    for journal in list(_open):
        journal._file.close()


os.register_at_fork(after_in_child=_close_all)
