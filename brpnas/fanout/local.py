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
    """A task on its way."""

    task: Any
    packed: bytes
    deaths: int = 0


@dataclass
class _Crew:
    """The workers of one run: those that load the function, those at a job, those without one."""

    size: int
    function: bytes
    spare: list[Worker]
    loading: list[Worker] = field(default_factory=list)
    busy: dict[Worker, _Job] = field(default_factory=dict)
    idle: list[Worker] = field(default_factory=list)
    false_starts: int = 0

    def staff(self, jobs: int) -> None:
        """Have as many workers as there are jobs for, from the spare ones first."""
        there = len(self.loading) + len(self.busy) + len(self.idle)
        for _ in range(min(self.size, jobs) - there):
            worker = self.spare.pop() if self.spare else Worker()
            if worker.function == self.function:
                self.idle.append(worker)
            else:
                self.loading.append(worker)
                worker.load(self.function)

    def assign(self, waiting: deque[_Job]) -> None:
        """Give the jobs that wait to the workers that have none."""
        while waiting and self.idle:
            worker, job = self.idle.pop(), waiting.popleft()
            self.busy[worker] = job
            worker.perform(job.packed)

    def disband(self) -> None:
        """Kill the workers that are at something; the others are spare again."""
        for worker in (*self.loading, *self.busy):
            worker.kill()
        self.spare += self.idle


class LocalEngine(Engine):
    """Tasks on processes of this machine, each of which has one thread.

    A worker that dies is replaced, and only the task that it was at is tried again. No worker
    outlives `close`, or this process, however it ends.

    Args:
        workers: Number of processes.
        retries: How often a task is tried again after its worker died.

    A script must guard its main code by ``if __name__ == "__main__"``, because the processes are
    spawned: they import it.

    Example:
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
            self._spare.pop().dismiss()

    def _outcomes(
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Generator[tuple[T, R | TaskError], None, None]:
        crew = _Crew(self.workers, pack_function(function), self._spare)
        waiting: deque[_Job] = deque()
        for task in tasks:
            packed = attempt(pack, task)
            if isinstance(packed, TaskError):
                yield task, packed
            else:
                waiting.append(_Job(task, packed))
        try:
            while waiting or crew.busy:
                crew.staff(len(waiting) + len(crew.busy))
                crew.assign(waiting)
                for worker in ready_workers((*crew.loading, *crew.busy)):
                    if worker in crew.loading:
                        self._start(worker, crew)
                        continue
                    job = crew.busy.pop(worker)
                    outcome: Any
                    try:
                        answer = worker.receive()
                    except WorkerDiedError as death:
                        outcome = self._count(job, death)
                        if outcome is None:
                            waiting.append(job)
                            continue
                    else:
                        crew.idle.append(worker)
                        crew.assign(waiting)
                        outcome = attempt(unpack, answer)
                    yield job.task, outcome
        finally:
            crew.disband()

    def _start(self, worker: Worker, crew: _Crew) -> None:
        """A worker has loaded the function, or failed to, or died."""
        crew.loading.remove(worker)
        try:
            complaint = worker.receive()
        except WorkerDiedError as death:
            crew.false_starts += 1
            _log.info("A worker process died as it started (%s)", death)
            if crew.false_starts > self.retries:
                raise EngineError(
                    f"Worker processes die as they start ({death}), {crew.false_starts} in a row. "
                    "What they wrote above says why. A script must guard its main code by "
                    '`if __name__ == "__main__":`, and memory must suffice for '
                    f"{self.workers} workers."
                ) from death
            return
        crew.idle.append(worker)
        crew.false_starts = 0
        if isinstance(complaint, ConfigurationError):
            worker.function = None
            raise complaint

    def _count(self, job: _Job, death: WorkerDiedError) -> TaskError | None:
        """What becomes of a job whose worker died: an error, or another try."""
        job.deaths += 1
        if job.deaths > self.retries:
            return TaskError(f"The worker process died in each of {job.deaths} tries ({death}).")
        _log.info(
            "A worker process died (%s); its task %s is tried again (%d of %d)",
            death,
            reprlib.repr(job.task),
            job.deaths,
            self.retries,
        )
        return None
