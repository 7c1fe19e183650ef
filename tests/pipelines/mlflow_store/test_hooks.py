"""The hooks as Kedro drives them, against a real store."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.hooks.manager import _create_hook_manager
from mlflow import MlflowClient

from pipelines.hooks import TrackingHooks
from pipelines.mlflow_store import RunningProcess
from pipelines.mlflow_store.hooks import StoreHooks
from pipelines.mlflow_store.processes import TAG
from pipelines.settings import CONFIG_LOADER_ARGS


@pytest.fixture
def context(file: Path, uri: str, repository: Path) -> Any:
    """Of a project in the folder of the store, with the configuration of this one."""
    loader = OmegaConfigLoader(str(repository / "conf"), **CONFIG_LOADER_ARGS)
    return SimpleNamespace(config_loader=loader, project_path=file.parents[1])


@pytest.fixture
def hooks(context: Any) -> StoreHooks:
    made = StoreHooks()
    made.after_context_created(context=context)
    return made


def start(hooks: StoreHooks, root: Path) -> Generator[None, Any, Any]:
    """Go on to where kedro-mlflow starts the run, and start it."""
    around = hooks.before_pipeline_run(run_params={"project_path": str(root)})
    next(around)
    mlflow.set_experiment("brpnas")
    mlflow.start_run()
    return around


def finish(around: Generator[None, Any, Any]) -> None:
    with pytest.raises(StopIteration):
        around.send(None)


def test_kedro_mlflow_is_given_absolute_addresses(
    hooks: StoreHooks, context: Any, uri: str, file: Path
) -> None:
    settings = context.config_loader["mlflow"]
    assert settings["server"]["mlflow_tracking_uri"] == uri
    found = MlflowClient(uri).get_experiment_by_name("brpnas")
    assert found.artifact_location == (file.parent / "mlartifacts").as_uri()


def test_a_run_is_known_by_its_process_until_it_ends(hooks: StoreHooks, file: Path) -> None:
    finish(start(hooks, file.parents[1]))
    run = mlflow.active_run()
    assert run is not None
    (lock,) = (file.parent / ".running").iterdir()
    assert MlflowClient().get_run(run.info.run_id).data.tags[TAG] == lock.stem
    mlflow.end_run()
    hooks.after_pipeline_run()
    assert list((file.parent / ".running").iterdir()) == []


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("no"), "FAILED"), (KeyboardInterrupt(), "KILLED")]
)
def test_a_run_that_cannot_start_does_not_count_as_finished(
    hooks: StoreHooks, file: Path, error: BaseException, status: str
) -> None:
    around = start(hooks, file.parents[1])
    run = mlflow.active_run()
    assert run is not None
    with pytest.raises(type(error)):
        around.throw(error)
    assert mlflow.active_run() is None
    assert MlflowClient().get_run(run.info.run_id).info.status == status
    assert list((file.parent / ".running").iterdir()) == []


def break_store(file: Path) -> None:
    """From now on the store can save no status of a run."""
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("DROP TABLE runs")


def test_a_store_that_breaks_does_not_hide_why_a_run_cannot_start(
    hooks: StoreHooks, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    around = start(hooks, file.parents[1])
    break_store(file)
    with pytest.raises(ValueError, match="reason-7"):
        around.throw(ValueError("reason-7"))
    assert mlflow.active_run() is None
    assert "marked FAILED" in caplog.text


def test_a_store_that_breaks_does_not_hide_why_a_run_failed(
    hooks: StoreHooks, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Kedro calls the hooks and raises the error of the node again, unless a hook raises."""
    finish(start(hooks, file.parents[1]))
    tracking = TrackingHooks()
    tracking.before_pipeline_run(run_params={"run_id": "r", "project_path": str(file.parent)})
    break_store(file)
    manager = _create_hook_manager()
    for each in (hooks, tracking):
        manager.register(each)
    manager.hook.on_pipeline_error(
        error=ValueError("reason-7"), run_params={}, pipeline=None, catalog=None
    )
    assert mlflow.active_run() is None
    assert [record for record in caplog.records if "not recorded" in record.getMessage()]
    assert list((file.parent / ".running").iterdir()) == []


def test_the_next_run_ends_those_whose_process_is_gone(
    hooks: StoreHooks, file: Path, uri: str
) -> None:
    experiment = MlflowClient().get_experiment_by_name("brpnas").experiment_id
    gone = RunningProcess(file.parents[1], uri, experiment)
    with gone.births():
        left = mlflow.start_run(experiment_id=experiment).info.run_id
    mlflow.end_run("RUNNING")
    MlflowClient().update_run(left, "RUNNING")
    gone._held.close()  # as the kernel does; the file stays
    finish(start(hooks, file.parents[1]))
    assert MlflowClient().get_run(left).info.status == "KILLED"
    mlflow.end_run()
    hooks.after_pipeline_run()


def test_the_store_of_an_active_run_is_left_to_whoever_started_it(context: Any, uri: str) -> None:
    with mlflow.start_run(experiment_id="0"):
        StoreHooks().after_context_created(context=context)
    assert MlflowClient(uri).get_experiment_by_name("brpnas") is None
