"""A real Dask cluster for tests: a scheduler and its workers, started as a user would."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fanout.waiting import until

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Cluster:
    """Processes of one cluster; all write to ``log`` in its folder."""

    folder: Path
    path: Path = REPOSITORY
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def log(self) -> str:
        """The log of scheduler and workers."""
        return (self.folder / "log").read_text()

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        found: str = json.loads((self.folder / "scheduler.json").read_text())["address"]
        return found

    def start_scheduler(self) -> None:
        """Start the scheduler on a free port and wait until it listens."""
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0")
        file = self.folder / "scheduler.json"
        until(lambda: file.exists() and file.read_text().endswith("}"))

    def start_workers(self, number: int = 2, *more: str) -> None:
        """Start workers of one thread with a nanny each; do not wait for them.

        Args:
            number: Number of workers.
            more: Further options of ``dask worker``.
        """
        local = str(self.folder / "spill")
        options = ("--nworkers", str(number), "--nthreads", "1", "--host", "127.0.0.1")
        self._start("worker", *options, "--nanny", "--local-directory", local, *more)

    def _start(self, program: str, *options: str) -> None:
        command = [sys.executable, "-m", "dask", program, "--no-dashboard", *options]
        command += ["--scheduler-file", str(self.folder / "scheduler.json")]
        environment = {**os.environ, "PYTHONPATH": str(self.path)}
        with (self.folder / "log").open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    command,
                    cwd=self.folder,
                    env=environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )


@contextmanager
def running_cluster(folder: Path, workers: int = 2, path: Path = REPOSITORY) -> Iterator[Cluster]:
    """A scheduler and workers; they are killed at the end.

    Args:
        folder: An empty folder for their files.
        workers: Number of workers to start and wait for; 0 for none yet.
        path: PYTHONPATH of all processes.
    """
    cluster = Cluster(folder, path)
    try:
        cluster.start_scheduler()
        if workers:
            cluster.start_workers(workers)
            until(lambda: cluster.log.count("Registered to:") >= workers)
        yield cluster
    finally:
        for process in cluster.processes:  # each of them leads a session of its own
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
