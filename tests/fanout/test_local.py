"""Processes of this machine: results, failures they survive, and left-over processes."""

from __future__ import annotations

import functools
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from brpnas.errors import ConfigurationError, EngineError, TaskError
from brpnas.fanout import Engine, LocalEngine

from . import tasks
from .contract import ProcessContract
from .waiting import ended, until


def workers() -> set[int]:
    """Child processes, except multiprocessing's own tracker of resources."""
    children = psutil.Process().children(recursive=True)
    return {c.pid for c in children if "resource_tracker" not in " ".join(c.cmdline())}


def at_once(engine: Engine, folder: Path) -> set[str]:
    """Processes of two tasks that end only after both began."""
    folder.mkdir(exist_ok=True)

    def free() -> None:
        until(lambda: len([f for f in folder.glob("pid-*") if f.read_text()]) == 2)
        (folder / "go").touch()

    thread = threading.Thread(target=free)
    thread.start()
    done = sorted(engine.run(functools.partial(tasks.wait_for_file, folder), [2, 3]))
    assert done == [(2, 4), (3, 9)]
    thread.join()
    return {file.read_text() for file in folder.glob("pid-*")}


class TestLocal(ProcessContract):
    @pytest.fixture
    def engine(self) -> Iterator[Engine]:
        before = workers()
        with LocalEngine(2) as engine:
            yield engine
        assert workers() <= before

    def test_works_on_as_many_processes_as_asked(self, engine: Engine, tmp_path: Path) -> None:
        assert len(at_once(engine, tmp_path)) == 2

    def test_workers_stay_from_run_to_run(self, engine: Engine, tmp_path: Path) -> None:
        first = at_once(engine, tmp_path / "first")
        assert dict(engine.run(abs, [-1])) == {-1: 1}
        assert at_once(engine, tmp_path / "second") == first

    def test_no_more_workers_than_tasks(self, engine: Engine) -> None:
        before = workers()
        list(engine.run(abs, [-1]))
        assert len(workers() - before) == 1

    def test_a_worker_killed_from_outside_loses_nothing(
        self, engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is killed while it works; the other one is not disturbed."""

        def kill() -> None:
            files = [tmp_path / "pid-0", tmp_path / "pid-1"]
            until(lambda: all(file.exists() and file.read_text() for file in files))
            os.kill(int(files[0].read_text()), signal.SIGKILL)
            (tmp_path / "go").touch()

        thread = threading.Thread(target=kill)
        thread.start()
        with caplog.at_level(logging.INFO, logger="brpnas.fanout"):
            run = engine.run(functools.partial(tasks.wait_for_file, tmp_path), range(6))
            assert sorted(run) == [(n, n * n) for n in range(6)]
        thread.join()
        tries = {f.name: len(f.read_text().split()) for f in tmp_path.glob("pid-*")}
        assert tries == {f"pid-{n}": 2 if n == 0 else 1 for n in range(6)}
        (message,) = [record.getMessage() for record in caplog.records]
        assert all(part in message for part in ("SIGKILL", "task 0 ", "(1 of 2)"))

    def test_closing_early_ends_the_workers_that_are_busy(
        self, engine: Engine, tmp_path: Path
    ) -> None:
        before = workers()
        list(engine.run(abs, [-1, -2]))
        run = engine.run(functools.partial(tasks.wait_for_file, tmp_path), range(3))
        thread = threading.Timer(0.0, lambda: self._free_first(tmp_path))
        thread.start()
        assert next(run) == (0, 0)
        until((tmp_path / "pid-2").exists)
        run.close()
        thread.join()
        assert workers() <= before

    @staticmethod
    def _free_first(folder: Path) -> None:
        until((folder / "pid-1").exists)
        (folder / "go-0").touch()

    def test_retries_are_counted_for_each_task(self, tmp_path: Path) -> None:
        with LocalEngine(2, retries=0) as engine:
            outcomes = dict(engine.run(functools.partial(tasks.die_once, tmp_path), range(4)))
        failed = {n for n, outcome in outcomes.items() if isinstance(outcome, TaskError)}
        assert failed == {0, 3}
        assert re.search(r" 1 tries \(SIGKILL, ", str(outcomes[0]))


@pytest.mark.parametrize(("workers", "retries"), [(0, 0), (1, -1)])
def test_numbers_out_of_range_are_refused(workers: int, retries: int) -> None:
    name, given = ("retries", retries) if workers else ("workers", workers)
    with pytest.raises(ConfigurationError, match=rf"{name} .*, not {given}\."):
        LocalEngine(workers, retries)


def run_script(text: str, folder: Path, repository: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(text)
    return subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(repository)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_function_of_a_guarded_script_runs(tmp_path: Path, repository: Path) -> None:
    script = """
from brpnas.fanout import LocalEngine

def triple(number):
    return 3 * number

if __name__ == "__main__":
    with LocalEngine(2) as engine:
        print(sorted(engine.run(triple, [1, 2])))
"""
    assert run_script(script, tmp_path, repository).stdout == "[(1, 3), (2, 6)]\n"


def test_a_script_without_a_guard_is_told_so(tmp_path: Path, repository: Path) -> None:
    script = "from brpnas.fanout import LocalEngine\nlist(LocalEngine(2).run(abs, [1, 2]))\n"
    done = run_script(script, tmp_path, repository)
    assert done.returncode == 1
    assert EngineError.__name__ in done.stderr
    assert '`if __name__ == "__main__":`' in done.stderr


def test_a_function_that_workers_cannot_import_ends_the_run(
    tmp_path: Path, repository: Path
) -> None:
    """It is defined under the guard, which is to say in this process alone."""
    script = """
from brpnas.fanout import LocalEngine

if __name__ == "__main__":
    def triple(number):
        return 3 * number

    with LocalEngine(2) as engine:
        print(sorted(engine.run(triple, [1, 2])))
"""
    done = run_script(script, tmp_path, repository)
    assert done.returncode == 1
    assert re.search(r"ConfigurationError: .*\btriple\b", done.stderr)


def test_all_is_over_when_the_engine_is_closed() -> None:
    before = workers()
    with LocalEngine(3) as engine:
        list(engine.run(abs, range(10)))
        there = workers() - before
        assert there
    assert all(ended(pid) for pid in there)
