from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from pipelines.mlflow_store.processes import TAG, RunningProcess, end_dead_runs

CHILD = """
import sys, time
from pathlib import Path
from pipelines.mlflow_store.processes import RunningProcess
process = RunningProcess(Path(sys.argv[1]))
print(process.name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def experiment(uri: str, file: Path) -> str:
    return str(mlflow.create_experiment("own", (file.parent / "mlartifacts").as_uri()))


def run_of(name: str, experiment: str) -> str:
    return str(MlflowClient().create_run(experiment, tags={TAG: name}).info.run_id)


def status(run_id: str) -> str:
    return str(MlflowClient().get_run(run_id).info.status)


def test_a_run_carries_the_name_from_its_first_moment(
    experiment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"mine": "1"}')
    process = RunningProcess(tmp_path)
    with process.births(), mlflow.start_run(experiment_id=experiment) as run:
        tags = MlflowClient().get_run(run.info.run_id).data.tags
    assert (tags[TAG], tags["mine"]) == (process.name, "1")
    assert os.environ["MLFLOW_RUN_CONTEXT"] == '{"mine": "1"}'
    process.close()
    assert list(tmp_path.glob("*.lock")) == []


def test_runs_are_killed_whose_process_was(experiment: str, tmp_path: Path) -> None:
    folder = tmp_path / "running"
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        run_id = run_of(child.stdout.readline().strip(), experiment)
        assert end_dead_runs(folder, experiment) == []
        assert status(run_id) == "RUNNING"
        child.kill()
    assert end_dead_runs(folder, experiment) == [run_id]
    assert status(run_id) == "KILLED"
    assert list(folder.iterdir()) == []


def test_runs_of_the_living_of_others_and_of_before_stay(experiment: str, tmp_path: Path) -> None:
    living = RunningProcess(tmp_path)
    (tmp_path / "ended.lock").touch()
    runs = [run_of(name, experiment) for name in (living.name, "on-another-machine", "ended")]
    MlflowClient().set_terminated(runs[2], "FINISHED")
    assert end_dead_runs(tmp_path, experiment) == []
    assert [status(run_id) for run_id in runs] == ["RUNNING", "RUNNING", "FINISHED"]
    assert [path.name for path in tmp_path.glob("*.lock")] == [f"{living.name}.lock"]
    living.close()


def test_without_a_folder_there_is_nothing_to_end(tmp_path: Path) -> None:
    assert end_dead_runs(tmp_path / "none", "0") == []
