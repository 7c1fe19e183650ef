"""Runs whose process is gone.

A process that is killed with ``kill -9`` cannot tell MLflow, which goes on calling its run RUNNING.
So each process holds a lock while its run goes on, and the kernel takes the lock when the process
ends, however it ends: also in a container, where no other sees its processes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

from brpnas.errors import LockedError
from brpnas.locks import locked

__all__ = ["TAG", "RunningProcess", "end_dead_runs"]

TAG = "brpnas.process"
"""Tag of a run: name of the lock that its process holds."""

_CONTEXT = "MLFLOW_RUN_CONTEXT"
"""Variable that MLflow reads tags of every new run from."""
_log = logging.getLogger(__name__)


class RunningProcess:
    """This process, seen by others while its run goes on.

    Args:
        folder: Folder of the locks, which the processes of one project share.

    Raises:
        LockedError: If the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.name = uuid.uuid4().hex
        self._file = folder / f"{self.name}.lock"
        self._held = contextlib.ExitStack()
        self._held.enter_context(locked(folder / self.name, "run"))

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


def end_dead_runs(folder: Path, experiment: str) -> list[str]:
    """Mark as KILLED the runs of an experiment that are RUNNING without a process.

    Args:
        folder: Folder of the locks.
        experiment: Id of the experiment.

    Returns:
        Ids of these runs.
    """
    ended: list[str] = []
    for file in sorted(folder.glob("*.lock")):
        name = file.name.removesuffix(".lock")
        with contextlib.suppress(LockedError), locked(file.with_name(name), "run", 0):
            ended += _end(name, experiment)
            file.unlink(missing_ok=True)
    return ended


def _end(name: str, experiment: str) -> list[str]:
    from mlflow import MlflowClient  # noqa: PLC0415 - only where there is something to look for

    client = MlflowClient()
    wanted = f"attributes.status = 'RUNNING' and tags.`{TAG}` = '{name}'"
    found = [run.info.run_id for run in client.search_runs([experiment], wanted)]
    for run_id in found:
        client.set_terminated(run_id, "KILLED")
        _log.info("The run %s is marked KILLED: its process is gone", run_id)
    return found
