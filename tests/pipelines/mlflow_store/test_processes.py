from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from pipelines.mlflow_store.processes import (
    RUNNING,
    TAG,
    RunningProcess,
    end_dead_runs,
    runs_go_on,
)

CHILD = """
import sys, time
from pathlib import Path
from pipelines.mlflow_store.processes import RunningProcess
process = RunningProcess(Path(sys.argv[1]), *sys.argv[2:])
print(process.name, flush=True)
time.sleep(600)
"""


@pytest.fixture
def root(file: Path) -> Path:
    """The project of the store."""
    return file.parents[1]


@pytest.fixture
def experiment(uri: str, file: Path) -> str:
    return str(mlflow.create_experiment("own", (file.parent / "mlartifacts").as_uri()))


def run_of(name: str, experiment: str) -> str:
    return str(MlflowClient().create_run(experiment, tags={TAG: name}).info.run_id)


def status(run_id: str) -> str:
    return str(MlflowClient().get_run(run_id).info.status)


def test_a_run_carries_the_name_from_its_first_moment(
    uri: str, experiment: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"mine": "1"}')
    process = RunningProcess(root, uri, experiment)
    with process.births(), mlflow.start_run(experiment_id=experiment) as run:
        tags = MlflowClient().get_run(run.info.run_id).data.tags
    assert (tags[TAG], tags["mine"]) == (process.name, "1")
    assert os.environ["MLFLOW_RUN_CONTEXT"] == '{"mine": "1"}'
    process.close()
    assert list((root / RUNNING).glob("*.lock")) == []


def test_runs_are_killed_whose_process_was(uri: str, experiment: str, root: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root), uri, experiment],
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        run_id = run_of(child.stdout.readline().strip(), experiment)
        assert end_dead_runs(root, uri) == []
        assert status(run_id) == "RUNNING"
        assert runs_go_on(root)
        child.kill()
    assert not runs_go_on(root)
    assert end_dead_runs(root, uri) == [run_id]
    assert status(run_id) == "KILLED"
    assert list((root / RUNNING).iterdir()) == []


def test_runs_of_the_living_of_others_and_of_before_stay(
    uri: str, experiment: str, root: Path
) -> None:
    living = RunningProcess(root, uri, experiment)
    ended = RunningProcess(root, uri, experiment)
    ended._held.close()  # as the kernel does; the file stays
    names = living.name, "on-another-machine", ended.name
    runs = [run_of(name, experiment) for name in names]
    MlflowClient().set_terminated(runs[2], "FINISHED")
    assert end_dead_runs(root, uri) == []
    assert [status(run_id) for run_id in runs] == ["RUNNING", "RUNNING", "FINISHED"]
    assert [path.name for path in (root / RUNNING).glob("*.lock")] == [f"{living.name}.lock"]
    living.close()


def test_a_dead_run_is_looked_for_in_its_own_experiment_and_store(
    uri: str, experiment: str, root: Path
) -> None:
    """The next command tracks its runs elsewhere: the lock waits for one that can see the run."""
    gone = RunningProcess(root, uri, experiment)
    gone._held.close()
    run_id = run_of(gone.name, experiment)
    assert end_dead_runs(root, "sqlite:////elsewhere/mlflow.db") == []
    assert end_dead_runs(root, "http://user:secret@server:5000") == []
    other = str(mlflow.create_experiment("other"))
    assert RunningProcess(root, uri, other).name != gone.name
    assert end_dead_runs(root, uri) == [run_id]
    assert status(run_id) == "KILLED"


def test_a_dead_run_is_found_after_the_project_was_moved(
    uri: str, experiment: str, root: Path
) -> None:
    gone = RunningProcess(root, uri, experiment)
    gone._held.close()
    run_id = run_of(gone.name, experiment)
    moved = root.rename(root.with_name("moved"))
    assert end_dead_runs(moved, f"sqlite:///{moved}/data/mlflow.db") == [run_id]


def test_without_a_folder_there_is_nothing_to_end(tmp_path: Path) -> None:
    assert end_dead_runs(tmp_path / "none", "sqlite:////none/data/mlflow.db") == []
    assert not runs_go_on(tmp_path / "none")
