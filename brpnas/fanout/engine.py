"""The interface of engines, and the serial engine."""

from __future__ import annotations

import logging
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Self, TypeVar

from brpnas.errors import TaskError
from brpnas.fanout._attempt import attempt

__all__ = ["Engine", "SerialEngine"]

T = TypeVar("T")
R = TypeVar("R")
_log = logging.getLogger(__name__)


class Engine(ABC):
    """Runs independent tasks; a context manager.

    Life cycle: create it (`brpnas.fanout.get_engine`), `run` one or more batches of tasks one after
    another, close it. Workers stay between runs, so one engine for many small runs is cheap.

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
        with closing(self._outcomes(function, tasks)) as outcomes:
            for task, outcome in outcomes:
                if isinstance(outcome, TaskError):
                    notes = "\n".join(getattr(outcome, "__notes__", []))
                    _log.debug("Task %s failed: %s\n%s", reprlib.repr(task), outcome, notes)
                yield task, outcome

    @abstractmethod
    def _outcomes(
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Generator[tuple[T, R | TaskError], None, None]:
        """Outcomes for `run`; closing it early cancels the rest."""

    @abstractmethod
    def close(self) -> None:
        """End the workers, or the connection to them."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class SerialEngine(Engine):
    """One task after another in this process, with its threads; for debugging and for one core.

    Examples:
        >>> with SerialEngine() as engine:
        ...     list(engine.run(abs, [-1, 2]))
        [(-1, 1), (2, 2)]
    """

    def _outcomes(
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Generator[tuple[T, R | TaskError], None, None]:
        for task in tasks:
            yield task, attempt(function, task)

    def close(self) -> None:
        """Do nothing."""
