"""`kedro run` as users see it: in a process of its own."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from subprocess import CompletedProcess

import click
import pytest

from brpnas.errors import AnswersPendingError, BudgetError
from pipelines.cli import PENDING, RunCommand
from pipelines.pipeline_registry import ON_REQUEST, STAGES
from tests.pipelines.conftest import Run


def message(done: CompletedProcess[str]) -> str:
    """The one-paragraph message that ended a command."""
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
    outer.__cause__ = BudgetError("too many queries")
    with pytest.raises(click.ClickException, match=r"^too many queries$"):
        make(outer).main([], standalone_mode=False)


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


@pytest.mark.slow
def test_unknown_key_ends_with_a_suggestion_and_no_run(kedro: Run, project: Path) -> None:
    text = message(kedro("run", "--pipelines=ingest", "--params=train.epoch=3"))
    assert "Unknown key 'train.epoch' in --params. Did you mean 'epochs'?" in text
    assert list((project / "data").iterdir()) == []


@pytest.mark.slow
def test_refused_file_of_a_device_ends_with_its_report_and_nothing_is_written(
    kedro: Run, project: Path
) -> None:
    folder = project / "data" / "01_raw" / "devices"
    folder.mkdir(parents=True)
    (folder / "board.csv").write_text("arch_id,latency_ms\n000200,-1\n")
    done = kedro("run", "--pipelines=ingest")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    report = done.stderr.partition("Error: ")[2]
    assert "data/01_raw/devices/board.csv is refused and nothing was written" in report
    assert "negative latency, line 2" in report
    files = {path.name for path in (project / "data").rglob("*") if path.is_file()}
    assert files == {"board.csv", "mlflow.db"}
    with sqlite3.connect(project / "data" / "mlflow.db") as database:
        assert database.execute("select name from runs").fetchall() == []


@pytest.mark.slow
def test_unknown_pipeline_and_environment(kedro: Run) -> None:
    assert "Did you mean 'ingest'?" in message(kedro("run", "--pipelines=ingst"))
    assert "Did you mean 'latbench'?" in message(kedro("run", "--env=latbnch"))


@pytest.mark.slow
def test_unknown_device_and_missing_inputs(kedro: Run) -> None:
    assert "Did you mean 'embedded-tpu-edge-tpu-int8'?" in message(
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
    assert params["featurise.space"] == "nasbench201"
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
