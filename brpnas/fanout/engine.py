"""The interface of engines, and the serial engine."""

from __future__ import annotations

import logging
import reprlib
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, Self, TypeVar

from brpnas.errors import TaskError
from brpnas.fanout._attempt import attempt

__all__ = ["Engine", "SerialEngine", "TaskRun"]

T = TypeVar("T")
R = TypeVar("R")
_log = logging.getLogger(__name__)


class TaskRun(ABC):
    """Tasks of one function on an engine, which may be submitted while others run.

    A context manager: its end cancels the tasks without an outcome. `Engine.start` makes it.

    Attributes:
        pending: Number of submitted tasks without an outcome.
    """

    def __init__(self) -> None:
        self.pending = 0

    def submit(self, tasks: Sequence[Any]) -> None:
        """Submit tasks; returns at once."""
        self.pending += len(tasks)
        self._submit(tasks)

    def next_outcome(self) -> tuple[Any, Any]:
        """Wait for the next outcome: a task and its result, or its TaskError. In any order.

        Raises:
            ConfigurationError: If the function cannot be imported.
            EngineError: If the workers cannot start or are lost; earlier results are valid.
            ValueError: If no task is pending.
        """
        if not self.pending:
            raise ValueError("no task is pending")
        task, outcome = self._next()
        self.pending -= 1
        if isinstance(outcome, TaskError):
            notes = "\n".join(getattr(outcome, "__notes__", []))
            _log.debug("Task %s failed: %s\n%s", reprlib.repr(task), outcome, notes)
        return task, outcome

    @abstractmethod
    def _submit(self, tasks: Sequence[Any]) -> None:
        """Submit tasks."""

    @abstractmethod
    def _next(self) -> tuple[Any, Any]:
        """The next outcome; some task is pending."""

    @abstractmethod
    def close(self) -> None:
        """Cancel the pending tasks."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Engine(ABC):
    """Runs independent tasks; a context manager.

    Life cycle: create it (`brpnas.fanout.get_engine`), `run` one or more batches of tasks one after
    another, close it. `start` takes tasks one by one. Workers stay between runs, so one engine for
    many small runs is cheap.

    The engine never changes a result. Workers have one thread; a function sensitive to the number
    of threads or to global random state must set both.
    """

    def run(
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Generator[tuple[T, R | TaskError], None, None]:
        """Yield each task with its result on arrival, in any order.

        An exception of the function is yielded as a TaskError with its type and message (the
        traceback is logged at debug), and the other tasks go on. The task of a dead worker (``kill
        -9``, out of memory) is retried, and yielded as a TaskError after too many deaths.

        To stop early, close the iterator: tasks not yet started are cancelled.

        Args:
            function: A function of a module, or a partial of one. Pass large arguments by the
                partial, sent to each worker once.
            tasks: Arguments; each one is sent to a worker with its turn.

        Raises:
            ConfigurationError: If the function cannot be sent or imported.
            EngineError: If the workers cannot start or are lost; earlier results are valid.
        """
        with self.start(function) as run:
            run.submit(tasks)
            while run.pending:
                yield run.next_outcome()

    @abstractmethod
    def start(self, function: Callable[[Any], Any]) -> TaskRun:
        """Start a run without tasks; its outcomes are those of `run`.

        Args:
            function: As for `run`.

        Raises:
            ConfigurationError: If the function cannot be sent.
            EngineError: If the workers are lost.
        """

    @abstractmethod
    def close(self) -> None:
        """End the workers, or the connection to them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _SerialRun(TaskRun):
    """A task is performed when its outcome is asked for."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self._function, self._waiting = function, deque[Any]()

    def _submit(self, tasks: Sequence[Any]) -> None:
        self._waiting.extend(tasks)

    def _next(self) -> tuple[Any, Any]:
        task = self._waiting.popleft()
        return task, attempt(self._function, task)

    def close(self) -> None:
        """Forget the pending tasks."""
        self._waiting.clear()


class SerialEngine(Engine):
    """One task after another in this process, with its threads; for debugging and for one core.

    Examples:
        >>> with SerialEngine() as engine:
        ...     list(engine.run(abs, [-1, 2]))
        [(-1, 1), (2, 2)]
    """

    def start(self, function: Callable[[Any], Any]) -> TaskRun:
        """Start a run without tasks."""
        return _SerialRun(function)

    def close(self) -> None:
        """Do nothing."""
