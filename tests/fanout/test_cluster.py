"""A real Dask cluster: failures it survives, and errors when it is unusable."""

from __future__ import annotations

import functools
import importlib
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from brpnas.errors import ConfigurationError, EngineError
from brpnas.fanout import DaskEngine, Engine, get_engine
from brpnas.fanout._attempt import pack, unpack
from brpnas.fanout.cluster import _module_of, _perform
from brpnas.fanout.code import FINGERPRINT

from . import tasks
from .clusters import Cluster, running_cluster
from .contract import ProcessContract
from .waiting import until

pytest.importorskip("distributed")


def started(folder: Path, *numbers: int) -> bool:
    files = [folder / f"pid-{number}" for number in numbers]
    return all(file.exists() and file.read_text() for file in files)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


class TestDask(ProcessContract):
    @pytest.fixture
    def engine(self, cluster: Cluster) -> Iterator[Engine]:
        with get_engine(scheduler=cluster.address) as engine:
            assert isinstance(engine, DaskEngine)
            yield engine

    def test_works_in_other_processes_of_one_thread(self, engine: Engine) -> None:
        run = engine.run(tasks.surroundings, range(10))
        seen = [outcome for _, outcome in run if isinstance(outcome, tuple)]
        assert len(seen) == 10
        assert os.getpid() not in {pid for pid, *_ in seen}
        assert {threads for _, threads, *_ in seen} == {"1"}

    def test_a_worker_killed_from_outside_loses_nothing(
        self, engine: Engine, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is killed while it works; all results are there, and the task has had a second try."""
        killed: list[str] = []

        def kill() -> None:
            until(lambda: any(started(tmp_path, n) for n in range(6)))
            victim = next(n for n in range(6) if started(tmp_path, n))
            killed.append(f"pid-{victim}")
            os.kill(int((tmp_path / killed[0]).read_text()), signal.SIGKILL)
            (tmp_path / "go").touch()

        thread = threading.Thread(target=kill)
        thread.start()
        with caplog.at_level(logging.INFO, logger="brpnas.fanout"):
            run = engine.run(functools.partial(tasks.wait_for_file, tmp_path), range(6))
            assert sorted(run) == [(n, n * n) for n in range(6)]
        thread.join()
        tries = (tmp_path / killed[0]).read_text().split()
        assert len(set(tries)) == 2
        told = [record.getMessage() for record in caplog.records]
        number = killed[0].removeprefix("pid-")
        assert any(f"task {number} " in message for message in told)

    def test_what_has_arrived_outlives_the_worker_that_had_it(
        self, engine: DaskEngine, tmp_path: Path
    ) -> None:
        """Results that are here are good, whatever Dask says of the futures afterwards."""
        (tmp_path / "go").touch()
        run = engine.run(functools.partial(tasks.wait_for_file, tmp_path), range(6))
        found = [next(run)]
        until(lambda: started(tmp_path, *range(6)))
        time.sleep(0.5)  # for the results to arrive; those that did not are worked out again
        for number in {(tmp_path / f"pid-{n}").read_text().strip() for n in range(6)}:
            os.kill(int(number), signal.SIGKILL)
        until(lambda: any(state.status == "lost" for state in engine._client.futures.values()))
        assert sorted([*found, *run]) == [(n, n * n) for n in range(6)]

    def test_closing_early_cancels_what_waits(self, engine: Engine, tmp_path: Path) -> None:
        waiting = functools.partial(tasks.wait_for_file, tmp_path)
        for number in range(2):
            (tmp_path / f"go-{number}").touch()
        run = engine.run(waiting, range(40))
        next(run)
        run.close()
        (tmp_path / "go").touch()
        assert len(list(engine.run(abs, range(20)))) == 20
        assert len(list(tmp_path.glob("pid-*"))) < 20

    def test_a_module_that_workers_lack_is_named_before_any_work(
        self, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "only_here.py").write_text("def double(n):\n    return 2 * n\n")
        monkeypatch.syspath_prepend(tmp_path)
        function = importlib.import_module("only_here").double
        with pytest.raises(ConfigurationError, match=r"cannot import only_here: tcp://.*No module"):
            next(engine.run(functools.partial(function), [1]))

    def test_a_function_of_a_script_is_refused(self, engine: Engine, cluster: Cluster) -> None:
        script = (
            "from brpnas.fanout import get_engine\n"
            "def double(n):\n    return 2 * n\n"
            f"next(get_engine(scheduler={cluster.address!r}).run(double, [1]))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
        )
        assert re.search(r"ConfigurationError: Dask .*__main__", done.stderr)


def test_tasks_wait_for_workers_and_end_with_the_scheduler(tmp_path: Path) -> None:
    with (
        running_cluster(tmp_path, workers=0) as cluster,
        get_engine(scheduler=cluster.address) as engine,
    ):
        (tmp_path / "go-0").touch()
        run = engine.run(functools.partial(tasks.wait_for_file, tmp_path), [0, 1])
        threading.Timer(0.2, cluster.start_workers, [1]).start()
        assert next(run) == (0, 0)
        cluster.processes[0].kill()
        with pytest.raises(EngineError, match=r"scheduler tcp://.* is gone"):
            next(run)


def test_workers_of_a_version_without_fingerprints_are_refused(tmp_path: Path) -> None:
    package = tmp_path / "path" / "brpnas"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text('__version__ = "0.0.1"\n')
    (package / "fanout.py").write_text("")  # else an editable install gives the module of today
    folder = tmp_path / "cluster"
    folder.mkdir()
    with running_cluster(folder, workers=1, path=package.parent) as cluster:
        wanted = rf"brpnas .*{re.escape(FINGERPRINT)}: tcp://\S+ (.*No module|has) "
        with pytest.raises(ConfigurationError, match=wanted):
            get_engine(scheduler=cluster.address)


def test_workers_with_other_code_of_the_same_version_are_refused(
    tmp_path: Path, repository: Path
) -> None:
    copied = tmp_path / "path" / "brpnas"
    shutil.copytree(repository / "brpnas", copied, ignore=shutil.ignore_patterns("__pycache__"))
    changed = copied / "metrics.py"
    changed.write_text(changed.read_text() + "\n# another\n")
    folder = tmp_path / "cluster"
    folder.mkdir()
    with running_cluster(folder, workers=1, path=copied.parent) as cluster:
        wanted = rf"has {version('brpnas')} \(code [0-9a-f]{{12}}\)\."
        with pytest.raises(ConfigurationError, match=wanted):
            get_engine(scheduler=cluster.address)


def test_workers_that_came_later_are_checked_as_well() -> None:
    assert unpack(_perform(pack(-1), pack(abs), FINGERPRINT)) == 1
    with pytest.raises(ConfigurationError, match=rf"brpnas {re.escape(FINGERPRINT)}, not 0\.0\.0"):
        _perform(pack(-1), pack(abs), "0.0.0")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:{port}", "here", "xyz://here:1"])
def test_a_scheduler_that_does_not_answer_is_told_how_to_start(address: str) -> None:
    address = address.format(port=free_port())
    with pytest.raises(ConfigurationError, match=rf"answers at '{address}' .* `dask scheduler`"):
        get_engine(scheduler=address)


def test_a_missing_package_is_told_how_to_install() -> None:
    script = (
        "import sys; sys.modules['distributed'] = None\n"
        "from brpnas.fanout import get_engine; get_engine(scheduler='tcp://127.0.0.1:1')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert "pip install 'brpnas[cluster]'" in done.stderr


def test_dask_is_imported_only_when_it_is_asked_for() -> None:
    script = "import sys, brpnas.fanout; print({'distributed', 'dask'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_the_module_of_a_function_is_found_in_partials_and_objects() -> None:
    assert _module_of(functools.partial(functools.partial(tasks.noise))) == tasks.__name__
    assert _module_of(tasks.Unreadable) == tasks.__name__
    assert _module_of(threading.Event().wait) == "threading"


def test_tasks_run_only_where_their_resource_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_cluster(tmp_path, workers=1) as cluster:
        with pytest.raises(ConfigurationError, match=r"'GPU'.*--resources GPU=1"):
            get_engine(scheduler=cluster.address, resource="GPU")
        cluster.start_workers(1, "--resources", "GPU=1")
        until(lambda: cluster.log.count("Registered to:") >= 2)
        with (
            caplog.at_level(logging.INFO, logger="brpnas.fanout"),
            get_engine(scheduler=cluster.address, resource="GPU") as engine,
        ):
            pids = {outcome[0] for _, outcome in engine.run(tasks.surroundings, range(12))}
        with get_engine(scheduler=cluster.address) as engine:
            both = {outcome[0] for _, outcome in engine.run(tasks.surroundings, range(12))}
    assert len(pids) == 1
    assert len(both) == 2
    assert any("dashboard" in record.getMessage() for record in caplog.records)


def test_a_resource_needs_a_scheduler() -> None:
    with pytest.raises(ConfigurationError, match=r"'GPU'.*scheduler"):
        get_engine(workers=2, resource="GPU")
