"""Runs whose process is gone.

A process that is killed with ``kill -9`` cannot tell MLflow, which goes on calling its run RUNNING.
So each process holds a lock while its run goes on, and the kernel takes the lock when the process
ends, however it ends: also in a container, where no other sees its processes.

The name of a lock says in which store and experiment its run is to be looked for. It is removed
only after that: the next command may track its runs elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from brpnas.errors import LockedError
from brpnas.locks import locked
from pipelines.mlflow_store.addresses import sqlite_file, without_password

__all__ = ["RUNNING", "TAG", "RunningProcess", "end_dead_runs", "runs_go_on"]

RUNNING = Path("data", ".running")
"""Folder of the locks, from the folder of the project."""

TAG = "brpnas.process"
"""Tag of a run: name of the lock that its process holds."""

_CONTEXT = "MLFLOW_RUN_CONTEXT"
"""Variable that MLflow reads tags of every new run from."""
_log = logging.getLogger(__name__)


class RunningProcess:
    """This process, seen by others while its run goes on.

    Args:
        root: Folder of the project, whose processes share the folder of locks `RUNNING`.
        store: Address of the store of the run.
        experiment: Id of its experiment.

    Raises:
        LockedError: If the folder of locks cannot be written.
    """

    def __init__(self, root: Path, store: str, experiment: str) -> None:
        self.name = f"{_mark(root, store)}-{experiment}-{uuid.uuid4().hex}"
        lock = root / RUNNING / self.name
        self._file = lock.with_name(f"{lock.name}.lock")
        self._held = contextlib.ExitStack()
        self._held.enter_context(locked(lock, "run"))

    @contextlib.contextmanager
    def births(self) -> Iterator[None]:
        """Let every run that begins in the block carry the name of this process from the start."""
        before = os.environ.get(_CONTEXT)
        given = json.loads(before) if before else {}
        os.environ[_CONTEXT] = json.dumps({**given, TAG: self.name})
        try:
            yield
        finally:
            if before is None:
                del os.environ[_CONTEXT]
            else:
                os.environ[_CONTEXT] = before

    def close(self) -> None:
        """Give the lock up: the run has ended."""
        self._file.unlink(missing_ok=True)
        self._held.close()


def end_dead_runs(root: Path, store: str) -> list[str]:
    """Mark as KILLED the runs of this project in a store that are RUNNING without a process.

    Args:
        root: Folder of the project.
        store: Address of the store; locks of runs in others stay.

    Returns:
        Ids of these runs.
    """
    ended: list[str] = []
    for file in sorted((root / RUNNING).glob(f"{_mark(root, store)}-*.lock")):
        name = file.name.removesuffix(".lock")
        with contextlib.suppress(LockedError), locked(file.with_name(name), "run", 0):
            ended += _end(name, store)
            file.unlink(missing_ok=True)
    return ended


def runs_go_on(root: Path) -> bool:
    """Whether another process of the project has a run that goes on, in whatever store."""
    for file in (root / RUNNING).glob("*.lock"):
        try:
            with locked(file.with_name(file.name.removesuffix(".lock")), "run", 0):
                pass
        except LockedError:
            return True
    return False


def _end(name: str, store: str) -> list[str]:
    from mlflow import MlflowClient  # noqa: PLC0415 - only where there is something to look for

    client = MlflowClient(store)
    experiment = name.split("-")[1]
    wanted = f"attributes.status = 'RUNNING' and tags.`{TAG}` = '{name}'"
    found = [run.info.run_id for run in client.search_runs([experiment], wanted)]
    for run_id in found:
        client.set_terminated(run_id, "KILLED")
        _log.info("The run %s is marked KILLED: its process is gone", run_id)
    return found


def _mark(root: Path, store: str) -> str:
    """Mark of a store in the names of locks: the same after the project was moved."""
    file = sqlite_file(store)
    if file is None:
        named = without_password(store)
    elif file.is_relative_to(root):
        named = file.relative_to(root).as_posix()
    else:
        named = str(file)
    return hashlib.sha256(named.encode()).hexdigest()[:12]
