"""Runs of dead processes.

After ``kill -9`` of a process, MLflow still lists its run as RUNNING. So each process holds a lock
during its run, and the kernel releases the lock at every kind of end: also in a container with
processes invisible from outside.

The name of a lock states the store and the experiment of its run. The file is removed only after
the run was looked up there: the next command may use another store.
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
"""Tag of a run: name of the lock of its process."""

_CONTEXT = "MLFLOW_RUN_CONTEXT"
"""Variable with MLflow's tags for every new run."""
_log = logging.getLogger(__name__)


class RunningProcess:
    """This process, visible to others during its run.

    Args:
        root: Folder of the project; its processes share the folder of locks `RUNNING`.
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
        """Give every run started in the block the name of this process from the start."""
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
        """Release the lock: the run has ended."""
        self._file.unlink(missing_ok=True)
        self._held.close()


def end_dead_runs(root: Path, store: str) -> list[str]:
    """Mark RUNNING runs of this project without a process as KILLED.

    Args:
        root: Folder of the project.
        store: Address of the store; locks of runs in other stores stay.

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
    """Whether another process of the project has an active run, in any store."""
    for file in (root / RUNNING).glob("*.lock"):
        try:
            with locked(file.with_name(file.name.removesuffix(".lock")), "run", 0):
                pass
        except LockedError:
            return True
    return False


def _end(name: str, store: str) -> list[str]:
    from mlflow import MlflowClient  # noqa: PLC0415 - only if there are locks

    client = MlflowClient(store)
    experiment = name.split("-")[1]
    wanted = f"attributes.status = 'RUNNING' and tags.`{TAG}` = '{name}'"
    found = [run.info.run_id for run in client.search_runs([experiment], wanted)]
    for run_id in found:
        client.set_terminated(run_id, "KILLED")
        _log.info("The run %s is marked KILLED: its process is gone", run_id)
    return found


def _mark(root: Path, store: str) -> str:
    """Mark of a store in the names of locks: unchanged when the project is moved."""
    file = sqlite_file(store)
    if file is None:
        named = without_password(store)
    elif file.is_relative_to(root):
        named = file.relative_to(root).as_posix()
    else:
        named = str(file)
    return hashlib.sha256(named.encode()).hexdigest()[:12]
