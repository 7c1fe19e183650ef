"""A worker process for one task at a time, from both of its ends.

One pipe per process instead of a pool with a shared queue: the task of a dead worker is known, the
tasks of the others go on, and a worker can be killed without disturbing the others.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from brpnas.errors import ConfigurationError
from brpnas.fanout._attempt import attempt_packed, unpack
from brpnas.garbage import collect_rarely

__all__ = ["Worker", "WorkerDiedError", "ready_workers"]

# Spawned, not forked: after torch has run threads, a fork may hang.
_CONTEXT = multiprocessing.get_context("spawn")
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
_POLL_S = 1.0
_GRACE_S = 5.0
_live: weakref.WeakSet[Worker] = weakref.WeakSet()


class WorkerDiedError(Exception):
    """The process of a worker ended; the message says how."""


class Worker:
    """This process' end: starts the process, sends functions and tasks, receives outcomes.

    The process answers each message in turn: a function with None, or with a ConfigurationError if
    it cannot be imported; a task with its packed outcome.
    """

    def __init__(self) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        # Not a daemon: it may have children, such as data loaders.
        self._process = _CONTEXT.Process(target=_serve, args=(theirs,), name="brpnas-worker")
        self._process.start()
        theirs.close()
        self.function: bytes | None = None
        _live.add(self)

    @property
    def pid(self) -> int | None:
        """Id of the process."""
        return self._process.pid

    def load(self, function: bytes) -> None:
        """Send another packed function; then receive its answer."""
        self.function = function
        self._send(("function", function))

    def run_task(self, task: bytes) -> None:
        """Send a packed task; then receive its answer."""
        self._send(("task", task))

    def _send(self, message: tuple[str, bytes]) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # dead: `receive` raises
            self._pipe.send(message)

    def receive(self) -> Any:
        """The answer to the last message.

        Raises:
            WorkerDiedError: If the process has ended.
        """
        with suppress(EOFError, OSError):
            if self._pipe.poll() or self._process.is_alive():
                return self._pipe.recv()
        self._process.join(_POLL_S)
        self.kill()
        raise WorkerDiedError(_ending(self._process.exitcode))

    def is_ready(self) -> bool:
        """Whether `receive` would return or raise at once."""
        return not self._process.is_alive() or self._pipe.poll()

    def stop(self) -> None:
        """Let an idle process end by itself; kill it after a grace period."""
        self._pipe.close()
        self._process.join(_GRACE_S)
        self.kill()

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.join()
        self._pipe.close()
        _live.discard(self)

    @property
    def connection(self) -> Connection:
        """The pipe, to wait for."""
        return self._pipe


def ready_workers(workers: Iterable[Worker]) -> list[Worker]:
    """Wait until some of the workers have news.

    Processes are polled too: after the end of a worker, its children hold the pipe open.
    """
    waiting = list(workers)
    while True:
        wait([worker.connection for worker in waiting], timeout=_POLL_S)
        found = [worker for worker in waiting if worker.is_ready()]
        if found:
            return found


def _ending(exitcode: int | None) -> str:
    if exitcode is None or exitcode >= 0:
        return f"exit code {exitcode}"
    name = signal.Signals(-exitcode).name
    return f"{name}, as when memory runs out" if name == "SIGKILL" else name


def _serve(pipe: Connection) -> None:
    """The worker's end: handle messages until the pipe is closed."""
    _settle()
    function: Callable[[Any], Any] = _nothing_loaded
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            kind, content = pipe.recv()
            answer: bytes | ConfigurationError | None = None
            if kind == "task":
                answer = attempt_packed(function, content)
            else:
                try:
                    function = _import(content)
                except ConfigurationError as error:
                    answer = error
            pipe.send(answer)


def _settle() -> None:
    """Use one thread, leave Ctrl-C to the parent, end with the parent, collect garbage rarely."""
    collect_rarely()
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _import(function: bytes) -> Callable[[Any], Any]:
    try:
        imported: Callable[[Any], Any] = unpack(function)
    except Exception as error:
        raise ConfigurationError(
            f"A worker process cannot import the function to run ({type(error).__name__}: "
            f"{error}). It must be in an importable module, not in an interactive session."
        ) from error
    torch = sys.modules.get("torch")
    if torch is not None:  # if imported later, it reads the environment
        torch.set_num_threads(1)
    return imported


def _nothing_loaded(task: object) -> object:
    raise RuntimeError(f"task {task!r} came before a function")


@atexit.register
def _kill_all() -> None:
    """Kill all workers before multiprocessing waits for them, some forever."""
    for worker in list(_live):
        worker.kill()
