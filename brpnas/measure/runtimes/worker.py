"""Converters in processes of their own.

A converter takes seconds to import, prints, and may crash. `convert_apart` calls one in a process
that stays for the next network: its output goes to a temporary file, and its death fails one
conversion.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping

from brpnas.errors import MeasurementError

__all__ = ["convert_apart"]

_TIMEOUT_S = 900.0
_GRACE_S = 5.0
_CALLS = 100
"""Calls of one process: converters keep several MiB of each network, and become slower."""
_SHOWN = 500


def convert_apart(module: str, arguments: Mapping[str, str], timeout_s: float = _TIMEOUT_S) -> None:
    """Call ``convert(**arguments)`` of a module in the process of that module.

    Args:
        module: Name of the module.
        arguments: Arguments of the call.
        timeout_s: Seconds allowed.

    Raises:
        MeasurementError: If the call raises, takes too long, or its process dies.
    """
    with _LOCK:
        key = (os.getpid(), module)  # a forked process must not use the pipes of its parent
        worker = _WORKERS.get(key)
        if worker is None:
            worker = _WORKERS[key] = _Worker(module)
        try:
            worker.call(arguments, timeout_s)
            if worker.calls == _CALLS:
                worker.end()
        finally:
            if worker.ended:
                del _WORKERS[key]


class _Worker:
    """The process of a converter."""

    def __init__(self, module: str) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__, module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONPATH": paths},
        )
        self.calls = 0
        self.ended = False

    def call(self, arguments: Mapping[str, str], timeout_s: float) -> None:
        """Send a call and wait for its end; see `convert_apart`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.calls += 1
        timer = threading.Timer(timeout_s, self._process.kill)
        timer.start()
        answered = False
        try:
            # A dead process breaks the pipe, and its answer is empty.
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps(dict(arguments)).encode() + b"\n")
                self._process.stdin.flush()
            answer = self._process.stdout.readline()
            answered = answer.endswith(b"\n")
        finally:
            expired = timer.finished.is_set()
            timer.cancel()
            if not answered:
                self.end()
        if expired and not answered:
            raise MeasurementError(f"The converter did not finish within {timeout_s:g} s.")
        if not answered:
            raise MeasurementError(f"The converter {self._ending}")
        error = json.loads(answer)
        if error is not None:
            raise MeasurementError(f"The converter refuses this network: {error}")

    def end(self) -> None:
        """End the process, and keep how it ended."""
        self.ended = True
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()  # an idle process ends by itself
        try:
            self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 4 * _SHOWN))
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        said = f": {lines[-1].strip()[:_SHOWN]}" if lines else ""
        self._ending = f"ended with code {self._process.returncode}{said}"
        self._log.close()


_WORKERS: dict[tuple[int, str], _Worker] = {}
_LOCK = threading.Lock()


@atexit.register
def _end_all() -> None:
    for (process, _), worker in _WORKERS.items():
        if process == os.getpid():
            worker.end()


def _serve(module: str) -> None:
    """In the process: convert until standard input ends."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # what libraries print must not be taken for an answer
        # Converters and graphs are many small objects: a collection between calls saves a quarter.
        gc.disable()
        convert = importlib.import_module(module).convert
        for line in sys.stdin:
            error = None
            try:
                convert(**json.loads(line))
            except Exception as raised:
                error = f"{type(raised).__name__}: {raised}"[:_SHOWN]
            gc.collect()
            answers.write(json.dumps(error) + "\n")
            answers.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
