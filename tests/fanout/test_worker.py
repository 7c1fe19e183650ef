"""One worker process: its start, its inheritance, its end."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from brpnas.errors import ConfigurationError
from brpnas.fanout._attempt import pack, unpack
from brpnas.fanout._worker import Worker, WorkerDiedError, ready_workers

from . import tasks
from .waiting import ended, until


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.kill()


def answer(worker: Worker) -> object:
    assert ready_workers([worker]) == [worker]
    return worker.receive()


def test_loads_a_function_once_and_performs_tasks(worker: Worker) -> None:
    worker.load(pack(tasks.square))
    assert answer(worker) is None
    for number in (2, 4):
        worker.run_task(pack(number))
        assert unpack(answer(worker)) == number * number  # type: ignore[arg-type]


def test_has_one_thread_and_leaves_ctrl_c_to_its_parent(worker: Worker) -> None:
    worker.load(pack(tasks.surroundings))
    answer(worker)
    worker.run_task(pack(0))
    pid, environment, _, heard = unpack(answer(worker))  # type: ignore[arg-type]
    assert (pid, environment, heard) == (worker.pid, "1", False)
    assert pid != os.getpid()


def test_torch_has_one_thread_when_the_function_brings_it(worker: Worker) -> None:
    torch = pytest.importorskip("torch")
    worker.load(pack(functools.partial(torch.add, torch.zeros(1))))
    answer(worker)
    worker.load(pack(tasks.surroundings))
    answer(worker)
    worker.run_task(pack(0))
    assert unpack(answer(worker))[2] == 1  # type: ignore[arg-type]


def test_says_that_a_function_cannot_be_imported(worker: Worker) -> None:
    worker.load(pack(tasks.square).replace(b"square", b"sqxare"))
    error = answer(worker)
    assert isinstance(error, ConfigurationError)
    assert "AttributeError" in str(error)


@pytest.mark.parametrize(
    ("number", "how"), [(signal.SIGKILL, "SIGKILL, "), (signal.SIGTERM, "SIGTERM")]
)
def test_tells_of_its_death(
    worker: Worker, tmp_path: Path, number: signal.Signals, how: str
) -> None:
    worker.load(pack(functools.partial(tasks.wait_for_file, tmp_path)))
    answer(worker)
    worker.run_task(pack(7))
    until((tmp_path / "pid-7").exists)
    assert worker.pid is not None
    os.kill(worker.pid, number)
    with pytest.raises(WorkerDiedError, match=how):
        answer(worker)


def test_tells_of_an_exit(worker: Worker) -> None:
    worker.load(pack(os._exit))
    answer(worker)
    worker.run_task(pack(3))
    with pytest.raises(WorkerDiedError, match="exit code 3"):
        answer(worker)


def test_death_is_seen_although_its_children_live_on(worker: Worker) -> None:
    """They hold the pipe open; only the process itself tells."""
    worker.load(pack(tasks.fork_and_die))
    answer(worker)
    worker.run_task(pack(0))
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        answer(worker)


def test_death_before_a_task_is_told_when_asked(worker: Worker) -> None:
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: ended(worker.pid))
    worker.load(pack(abs))
    with pytest.raises(WorkerDiedError, match="SIGKILL"):
        answer(worker)


def test_dismissed_it_ends_by_itself(worker: Worker) -> None:
    worker.load(pack(abs))
    answer(worker)
    worker.stop()
    assert ended(worker.pid)


SCRIPT = """
import functools, pathlib, sys
from brpnas.fanout import LocalEngine
from tests.fanout import tasks
if __name__ == "__main__":
    wait = functools.partial(tasks.wait_for_file, pathlib.Path(sys.argv[1]))
    run = LocalEngine(2).run(wait, [1, 2])
    {end}
"""


@pytest.mark.parametrize("end", ["killed", "interrupted", "exits"])
def test_no_worker_outlives_its_parent(end: str, tmp_path: Path, repository: Path) -> None:
    # The last one in the middle of a run, and without closing anything.
    go_on = "next(run); sys.exit(0)" if end == "exits" else "next(run)"
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(end=go_on))
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository)},
        stderr=subprocess.PIPE,
    )
    files = [tmp_path / "pid-1", tmp_path / "pid-2"]
    until(lambda: all(file.exists() and file.read_text() for file in files))
    pids = [int(file.read_text()) for file in files]
    assert all(psutil.pid_exists(pid) for pid in pids)
    if end == "exits":
        (tmp_path / "go-1").touch()
    else:
        process.send_signal(signal.SIGKILL if end == "killed" else signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode == 0) == (end == "exits"), said.decode()
    until(lambda: all(ended(pid) for pid in pids))
