"""Tasks on processes of this machine."""

from __future__ import annotations

import logging
import reprlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from brpnas.errors import ConfigurationError, EngineError, TaskError
from brpnas.fanout._attempt import attempt, pack, pack_function, unpack
from brpnas.fanout._worker import Worker, WorkerDiedError, ready_workers
from brpnas.fanout.engine import Engine, TaskRun

__all__ = ["LocalEngine"]

_log = logging.getLogger(__name__)


@dataclass
class _Job:
    """A task in progress."""

    task: Any
    packed: bytes
    deaths: int = 0


@dataclass
class _WorkerPool:
    """The workers of one run: loading the function, busy, or idle."""

    size: int
    function: bytes
    spare: list[Worker]
    loading: list[Worker] = field(default_factory=list)
    busy: dict[Worker, _Job] = field(default_factory=dict)
    idle: list[Worker] = field(default_factory=list)
    failed_starts: int = 0

    def start(self, jobs: int) -> None:
        """Provide a worker for each job, spare ones first."""
        there = len(self.loading) + len(self.busy) + len(self.idle)
        for _ in range(min(self.size, jobs) - there):
            worker = self.spare.pop() if self.spare else Worker()
            if worker.function == self.function:
                self.idle.append(worker)
            else:
                self.loading.append(worker)
                worker.load(self.function)

    def assign(self, waiting: deque[_Job]) -> None:
        """Give waiting jobs to idle workers."""
        while waiting and self.idle:
            worker, job = self.idle.pop(), waiting.popleft()
            self.busy[worker] = job
            worker.run_task(job.packed)

    def release(self) -> None:
        """Kill loading and busy workers; the others become spare."""
        for worker in (*self.loading, *self.busy):
            worker.kill()
        self.spare += self.idle


class _LocalRun(TaskRun):
    """Tasks on the workers of a pool."""

    def __init__(self, pool: _WorkerPool, retries: int) -> None:
        super().__init__()
        self._pool, self._retries = pool, retries
        self._waiting: deque[_Job] = deque()
        self._ready: deque[tuple[Any, Any]] = deque()

    def _submit(self, tasks: Sequence[Any]) -> None:
        for task in tasks:
            packed = attempt(pack, task)
            if isinstance(packed, TaskError):
                self._ready.append((task, packed))
            else:
                self._waiting.append(_Job(task, packed))
        self._assign()

    def _assign(self) -> None:
        self._pool.start(len(self._waiting) + len(self._pool.busy))
        self._pool.assign(self._waiting)

    def _next(self) -> tuple[Any, Any]:
        pool = self._pool
        while not self._ready:
            self._assign()
            for worker in ready_workers((*pool.loading, *pool.busy)):
                if worker in pool.loading:
                    self._start(worker)
                else:
                    self._receive(worker)
        return self._ready.popleft()

    def _receive(self, worker: Worker) -> None:
        """Handle the answer of a busy worker: an outcome, or its death."""
        job = self._pool.busy.pop(worker)
        try:
            answer = worker.receive()
        except WorkerDiedError as death:
            outcome = self._count(job, death)
            if outcome is None:
                self._waiting.append(job)
            else:
                self._ready.append((job.task, outcome))
            return
        self._pool.idle.append(worker)
        self._pool.assign(self._waiting)
        self._ready.append((job.task, attempt(unpack, answer)))

    def close(self) -> None:
        """Kill the busy workers."""
        self._pool.release()

    def _start(self, worker: Worker) -> None:
        """Handle the answer of a loading worker: success, error, or death."""
        pool = self._pool
        pool.loading.remove(worker)
        try:
            answer = worker.receive()
        except WorkerDiedError as death:
            pool.failed_starts += 1
            _log.info("A worker process died as it started (%s)", death)
            if pool.failed_starts > self._retries:
                raise EngineError(
                    f"Worker processes die as they start ({death}), {pool.failed_starts} in a row. "
                    "Their output above gives the reason. A script must guard its main code by "
                    '`if __name__ == "__main__":`, and memory must suffice for '
                    f"{pool.size} workers."
                ) from death
            return
        pool.idle.append(worker)
        pool.failed_starts = 0
        if isinstance(answer, ConfigurationError):
            worker.function = None
            raise answer

    def _count(self, job: _Job, death: WorkerDiedError) -> TaskError | None:
        """Count a death: an error after too many, else None for another try."""
        job.deaths += 1
        if job.deaths > self._retries:
            return TaskError(f"The worker process died in each of {job.deaths} tries ({death}).")
        _log.info(
            "A worker process died (%s); its task %s is retried (%d of %d)",
            death,
            reprlib.repr(job.task),
            job.deaths,
            self._retries,
        )
        return None


class LocalEngine(Engine):
    """Tasks on processes of this machine, with one thread each.

    A dead worker is replaced, and only its current task is retried. All workers end with `close` or
    with this process.

    Args:
        workers: Number of processes.
        retries: Retries of a task after its worker died.

    A script must guard its main code by ``if __name__ == "__main__"``, because spawned processes
    import it.

    Examples:
        >>> with LocalEngine(2) as engine:
        ...     sorted(engine.run(abs, [-1, 2]))
        [(-1, 1), (2, 2)]
    """

    def __init__(self, workers: int, retries: int = 2) -> None:
        if workers < 1:
            raise ConfigurationError(f"workers must be 1 or more, not {workers}.")
        if retries < 0:
            raise ConfigurationError(f"retries must be 0 or more, not {retries}.")
        self.workers, self.retries = workers, retries
        self._spare: list[Worker] = []

    def close(self) -> None:
        """End the processes."""
        while self._spare:
            self._spare.pop().stop()

    def start(self, function: Callable[[Any], Any]) -> TaskRun:
        """Start a run without tasks."""
        pool = _WorkerPool(self.workers, pack_function(function), self._spare)
        return _LocalRun(pool, self.retries)
