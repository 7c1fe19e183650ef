"""`kedro run` as users see it: in a process of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess
from types import SimpleNamespace

import click
import psutil
import pytest

from brpnas.errors import AnswersPendingError, BudgetError
from brpnas.fanout import SerialEngine
from pipelines.cli import PENDING, TERMINATED, RunCommand
from pipelines.pipeline_registry import ON_REQUEST, STAGES
from tests.pipelines.conftest import Run


def message(done: CompletedProcess[str]) -> str:
    """The last message of a command: one paragraph."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    return last


def make(error: BaseException) -> RunCommand:
    def fail() -> None:
        raise error

    return RunCommand(name="run", callback=fail)


def test_error_of_the_project_is_found_below_others() -> None:
    outer = RuntimeError("wrapped by kedro")
    outer.__cause__ = BudgetError("queries: 7")
    with pytest.raises(click.ClickException, match=r"^queries: 7$"):
        make(outer).main([], standalone_mode=False)


def test_notes_of_an_error_end_its_paragraph() -> None:
    error = BudgetError("queries: 7")
    error.add_note("search.budget is set in a.yml.")
    with pytest.raises(click.ClickException, match=r"^queries: 7 search\.budget.* a\.yml\.$"):
        make(error).main([], standalone_mode=False)


def test_a_search_that_waits_has_an_exit_code_of_its_own() -> None:
    with pytest.raises(click.ClickException, match="later") as caught:
        make(AnswersPendingError("later")).main([], standalone_mode=False)
    assert caught.value.exit_code == PENDING != 1


def test_other_errors_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        make(ZeroDivisionError()).main([], standalone_mode=False)


def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRPNAS_TRACEBACK", "1")
    with pytest.raises(BudgetError):
        make(BudgetError("too many")).main([], standalone_mode=False)


def be_terminated(task: object = None) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def train_within_an_engine() -> None:
    with SerialEngine() as engine:
        list(engine.run(be_terminated, [1]))


def train_on_a_pool() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(abs, 1).result()
        pool.submit(time.sleep, 60)
        be_terminated()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How MLflow's run was ended; it is active twice, as kedro-mlflow makes it."""
    statuses: list[str] = []
    run = SimpleNamespace(info=SimpleNamespace(run_id="0"))
    monkeypatch.setattr(
        "pipelines.cli.mlflow.active_run", lambda: run if len(statuses) < 2 else None
    )
    monkeypatch.setattr("pipelines.cli.mlflow.end_run", statuses.append)
    return statuses


@pytest.mark.parametrize("callback", [be_terminated, train_within_an_engine, train_on_a_pool])
def test_sigterm_kills_the_run_and_has_an_exit_code_of_its_own(
    callback: Callable[[], None], ended: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before, start = signal.getsignal(signal.SIGTERM), time.monotonic()
    with pytest.raises(SystemExit) as caught:
        RunCommand(name="run", callback=callback).main([])
    assert time.monotonic() - start < 30, "it waited for no worker"
    assert caught.value.code == TERMINATED == 143
    assert ended == ["KILLED", "KILLED"]
    assert capsys.readouterr().err == "Terminated!\n"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_sigterm_does_not_disturb_the_first(
    ended: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_run(status: str) -> None:
        be_terminated()
        ended.append(status)

    monkeypatch.setattr("pipelines.cli.mlflow.end_run", end_run)
    with pytest.raises(SystemExit) as caught:
        RunCommand(name="run", callback=be_terminated).main([])
    assert caught.value.code == TERMINATED
    assert ended == ["KILLED", "KILLED"]


STUCK = """
import os, signal, time
import mlflow
from pipelines import cli
def stick():
    mlflow.set_tracking_uri("sqlite:///store.db")
    mlflow.start_run()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        time.sleep(60)
cli._GRACE_S = 0.2
cli.RunCommand(name="run", callback=stick).main([])
"""


def test_a_run_that_is_stuck_on_its_way_out_is_ended(
    tmp_path: Path, repository: Path, empty_database: Path
) -> None:
    shutil.copy(empty_database, tmp_path / "store.db")
    # Other tests of this process may have told MLflow of an experiment.
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_EXPERIMENT")}
    done = subprocess.run(
        [sys.executable, "-c", STUCK],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(repository)},
        timeout=50,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == TERMINATED
    assert done.stderr.endswith("Terminated!\n")
    with sqlite3.connect(tmp_path / "store.db") as database:
        assert database.execute("select status from runs").fetchall() == [("KILLED",)]


def test_sigterm_is_as_before_after_a_run(ended: list[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    heard = []
    command = RunCommand(name="run", callback=lambda: heard.append(signal.getsignal(15)))
    command.main([], standalone_mode=False)
    assert heard != [before]
    assert signal.getsignal(signal.SIGTERM) is before
    assert ended == []


def test_ctrl_c_kills_the_run_and_goes_on_as_ever(ended: list[str]) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(KeyboardInterrupt()).invoke(click.Context(click.Command("run")))
    assert ended == ["KILLED", "KILLED"]


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    done = []
    command = RunCommand(name="run", callback=lambda: done.append(1))
    thread = threading.Thread(target=command.main, args=([],), kwargs={"standalone_mode": False})
    thread.start()
    thread.join()
    assert done == [1]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_terminated_and_run_again(kedro: Run, project: Path, workers: int) -> None:
    folder = project / "data" / "07_model_output" / "store"
    params = (
        f"train_candidates.cells=12,network_training.epochs=2,network_training.workers={workers}"
    )
    params += ",images.path=digits,network.channels=4,network.cells_per_stage=1,network.stages=2"
    words = ["run", "--pipelines=train_candidates", f"--params={params}"]

    def trained() -> list[str]:
        lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
        return [line for line in lines if '"arch_id"' in line]

    log = project / "terminated.log"
    command = [sys.executable, "-m", "kedro", *words]
    with log.open("w") as out, subprocess.Popen(command, cwd=project, stderr=out) as process:
        while process.poll() is None and not trained():
            time.sleep(0.01)
        children = psutil.Process(process.pid).children(recursive=True)
        process.terminate()
    assert process.returncode == TERMINATED, log.read_text()
    assert log.read_text().splitlines()[-1] == "Terminated!"
    assert "Traceback" not in log.read_text()
    assert len(children) >= (2 if workers == 2 else 0)
    assert psutil.wait_procs(children, timeout=10)[1] == []
    before = trained()
    assert 1 <= len(before) < 12
    done = kedro(*words)
    assert done.returncode == 0, done.stderr
    assert trained()[: len(before)] == before
    assert len(trained()) == 12
    with sqlite3.connect(project / "data" / "mlflow.db") as database:
        found = database.execute("select status from runs order by start_time").fetchall()
    assert found == [("KILLED",), ("FINISHED",)]


@pytest.mark.slow
def test_unknown_key_ends_with_a_suggestion_and_no_run(kedro: Run, project: Path) -> None:
    text = message(kedro("run", "--pipelines=ingest", "--params=train.epoch=3"))
    assert re.search(r"'train\.epoch' .*--params\. .*'epochs'\?", text)
    assert list((project / "data").iterdir()) == []


@pytest.mark.slow
def test_refused_file_of_a_device_ends_with_its_report_and_nothing_is_written(
    kedro: Run, project: Path
) -> None:
    folder = project / "data" / "01_raw" / "devices"
    folder.mkdir(parents=True)
    (folder / "board.csv").write_text("arch_id,latency_ms\n000200,-1\n")
    done = kedro("run", "--pipelines=ingest", "--params=device=board")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    report = done.stderr.partition("Error: ")[2]
    assert "data/01_raw/devices/board.csv " in report
    assert "negative latency, line 2" in report
    files = {path.name for path in (project / "data").rglob("*") if path.is_file()}
    assert files == {"board.csv", "mlflow.db", "mlflow.db.lock"}
    with sqlite3.connect(project / "data" / "mlflow.db") as database:
        assert database.execute("select name from runs").fetchall() == []


@pytest.mark.slow
def test_unknown_pipeline_and_environment(kedro: Run) -> None:
    assert "'ingest'?" in message(kedro("run", "--pipelines=ingst"))
    assert "'latbench'?" in message(kedro("run", "--env=latbnch"))


@pytest.mark.slow
def test_unknown_device_and_missing_inputs(kedro: Run) -> None:
    assert "'embedded-tpu-edge-tpu-int8'?" in message(
        kedro("run", "--pipelines=train", "--params=device=edge-tpu-int8")
    )
    assert "kedro run --pipelines=ingest" in message(kedro("run", "--pipelines=featurise"))


@pytest.mark.slow
def test_missing_mirror_marks_the_run_failed(kedro: Run, project: Path) -> None:
    assert "The mirror" in message(kedro("run", "--env=latbench", "--pipelines=ingest"))
    assert not (project / "data" / "latbench" / "03_primary" / "accuracy.parquet").exists()
    with sqlite3.connect(project / "data" / "mlflow.db") as database:
        assert database.execute("select name, status from runs").fetchall() == [
            ("ingest", "FAILED")
        ]


@pytest.mark.slow
def test_conflict_in_the_lock_file_is_named_and_the_run_has_failed(
    kedro: Run, project: Path
) -> None:
    (project / "dvc.lock").write_text("<<<<<<< HEAD\n=======\n>>>>>>> other\n")
    told = message(kedro("run", "--pipelines=ingest"))
    assert re.search(r"conflict\b.*\bline 1\b", told)
    with sqlite3.connect(project / "data" / "mlflow.db") as database:
        assert database.execute("select status from runs").fetchall() == [("FAILED",)]


@pytest.mark.slow
def test_paths_of_the_configuration_are_from_the_project(
    kedro: Run, project: Path, tmp_path: Path
) -> None:
    """In a folder below it; with a space, a mirror and a store that are given as relative paths."""
    (project / "docs").mkdir()
    done = kedro(
        "run",
        "--env=latbench",
        "--pipelines=ingest",
        folder=project / "docs",
        BRPNAS_MIRROR="mirrors/mine",
        MLFLOW_TRACKING_URI="sqlite:///data/own.db",
    )
    assert f"{project}/mirrors/mine" in message(done)
    lines = [line for line in done.stderr.splitlines() if "INFO" in line]
    assert lines
    assert [line for line in lines if not re.match(r"\d\d:\d\d:\d\d INFO ", line)] == [], "of conf"
    assert (project / "data" / "own.db").is_file()
    assert list((project / "docs").iterdir()) == []


@pytest.mark.slow
def test_a_run_that_was_killed_is_called_so_by_the_next(kedro: Run, project: Path) -> None:
    def runs() -> list[tuple[str]]:
        store = project / "data" / "mlflow.db"
        if not store.exists():
            return []
        with sqlite3.connect(store) as database:
            return database.execute("select status from runs order by start_time").fetchall()

    command = [sys.executable, "-m", "kedro", "run", "--pipelines=ingest"]
    with subprocess.Popen(command, cwd=project, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not runs():
            time.sleep(0.01)
        process.kill()
    assert runs() == [("RUNNING",)]
    done = kedro("run", "--pipelines=ingest")
    assert done.returncode == 0, done.stderr
    assert runs() == [("KILLED",), ("FINISHED",)]


@pytest.mark.slow
def test_ingest_and_featurise_run_on_the_published_files(
    kedro: Run, project: Path, mirror: Path
) -> None:
    done = kedro("run", "--env=latbench", "--pipelines=ingest,featurise", BRPNAS_MIRROR=str(mirror))
    assert done.returncode == 0, done.stderr
    workspace = project / "data" / "latbench"
    assert len(list((workspace / "03_primary" / "latency").iterdir())) == 13
    assert (workspace / "05_model_input" / "space_graphs.npz").is_file()
    assert not (project / "data" / "03_primary").exists()
    with sqlite3.connect(project / "data" / "mlflow.db") as database:
        (status,) = database.execute("select status from runs").fetchone()
        tags = dict(database.execute("select key, value from tags").fetchall())
        params = dict(database.execute("select key, value from params").fetchall())
    assert status == "FINISHED"
    assert params["space"] == "nasbench201"
    assert tags["brpnas.group"]


@pytest.mark.slow
def test_viz_draws_every_stage(kedro: Run, project: Path) -> None:
    done = kedro("viz", "build", "--include-hooks")
    assert done.returncode == 0, done.stderr
    drawn = json.loads((project / "build" / "api" / "main").read_text())
    assert {pipeline["id"] for pipeline in drawn["pipelines"]} == {
        "__default__",
        *STAGES,
        *ON_REQUEST,
    }
    assert "search_history" in {item["name"] for item in drawn["nodes"]}
