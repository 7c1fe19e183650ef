"""Tasks on processes of this machine."""

from __future__ import annotations

import logging
import reprlib
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from brpnas.errors import ConfigurationError, EngineError, TaskError
from brpnas.fanout._attempt import attempt, pack, pack_function, unpack
from brpnas.fanout._worker import Worker, WorkerDiedError, ready_workers
from brpnas.fanout.engine import Engine

__all__ = ["LocalEngine"]

T = TypeVar("T")
R = TypeVar("R")
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

    def _outcomes(
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Generator[tuple[T, R | TaskError], None, None]:
        pool = _WorkerPool(self.workers, pack_function(function), self._spare)
        waiting: deque[_Job] = deque()
        for task in tasks:
            packed = attempt(pack, task)
            if isinstance(packed, TaskError):
                yield task, packed
            else:
                waiting.append(_Job(task, packed))
        try:
            while waiting or pool.busy:
                pool.start(len(waiting) + len(pool.busy))
                pool.assign(waiting)
                for worker in ready_workers((*pool.loading, *pool.busy)):
                    if worker in pool.loading:
                        self._start(worker, pool)
                        continue
                    job = pool.busy.pop(worker)
                    outcome: Any
                    try:
                        answer = worker.receive()
                    except WorkerDiedError as death:
                        outcome = self._count(job, death)
                        if outcome is None:
                            waiting.append(job)
                            continue
                    else:
                        pool.idle.append(worker)
                        pool.assign(waiting)
                        outcome = attempt(unpack, answer)
                    yield job.task, outcome
        finally:
            pool.release()

    def _start(self, worker: Worker, pool: _WorkerPool) -> None:
        """Handle the answer of a loading worker: success, error, or death."""
        pool.loading.remove(worker)
        try:
            answer = worker.receive()
        except WorkerDiedError as death:
            pool.failed_starts += 1
            _log.info("A worker process died as it started (%s)", death)
            if pool.failed_starts > self.retries:
                raise EngineError(
                    f"Worker processes die as they start ({death}), {pool.failed_starts} in a row. "
                    "Their output above gives the reason. A script must guard its main code by "
                    '`if __name__ == "__main__":`, and memory must suffice for '
                    f"{self.workers} workers."
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
        if job.deaths > self.retries:
            return TaskError(f"The worker process died in each of {job.deaths} tries ({death}).")
        _log.info(
            "A worker process died (%s); its task %s is retried (%d of %d)",
            death,
            reprlib.repr(job.task),
            job.deaths,
            self.retries,
        )
        return None
