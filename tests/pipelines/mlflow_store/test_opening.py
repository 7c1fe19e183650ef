from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from brpnas.errors import TrackingError
from pipelines.mlflow_store import ensure_experiment, explained, open_store


def settings(uri: str | None, location: str | None = "data/mlartifacts") -> dict[str, Any]:
    return {
        "server": {"mlflow_tracking_uri": uri, "mlflow_registry_uri": None, "credentials": None},
        "tracking": {
            "experiment": {
                "name": "brpnas",
                "create_experiment_kwargs": {"artifact_location": location},
            },
            "run": {"nested": True},
        },
    }


def test_relative_addresses_are_from_the_project(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = file.parents[1]
    monkeypatch.chdir(tmp_path)
    opened = open_store(root, settings("sqlite:///data/mlflow.db"))
    assert opened["server"]["mlflow_tracking_uri"] == f"sqlite:///{file}"
    made = opened["tracking"]["experiment"]["create_experiment_kwargs"]
    assert made == {"artifact_location": (root / "data" / "mlartifacts").as_uri()}
    assert opened["tracking"]["run"] == {"nested": True}
    assert sorted(path.name for path in tmp_path.iterdir()) == [root.name]


def test_absolute_addresses_stay(file: Path, tmp_path: Path) -> None:
    opened = open_store(tmp_path, settings(f"sqlite:///{file}", "s3://bucket"))
    assert opened == settings(f"sqlite:///{file}", "s3://bucket")
    assert open_store(tmp_path, settings(None, None)) == settings(None, None)


def test_an_experiment_is_made_once(file: Path, uri: str) -> None:
    opened = open_store(file.parents[1], settings(uri))
    first = ensure_experiment(opened)
    assert ensure_experiment(opened) == first
    location = MlflowClient(uri).get_experiment(first).artifact_location
    assert location == (file.parent / "mlartifacts").as_uri()


def test_an_experiment_gets_the_tags_that_are_configured(file: Path, uri: str) -> None:
    given = settings(uri)
    given["tracking"]["experiment"]["create_experiment_kwargs"]["tags"] = {"team": "vision"}
    made = ensure_experiment(open_store(file.parents[1], given))
    assert MlflowClient(uri).get_experiment(made).tags["team"] == "vision"


def test_another_process_may_make_the_experiment_first(
    file: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_store(file.parents[1], settings(uri))
    find = MlflowClient.get_experiment_by_name
    asked: list[str] = []

    def made_in_between(client: MlflowClient, name: str) -> Any:
        asked.append(name)
        if len(asked) > 1:
            return find(client, name)
        mlflow.create_experiment(name)
        return None

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", made_in_between)
    assert ensure_experiment(opened) == find(MlflowClient(uri), "brpnas").experiment_id


def test_a_server_that_is_down_is_told_soon(tmp_path: Path) -> None:
    begin = time.monotonic()
    with pytest.raises(TrackingError, match=r" http://127\.0\.0\.1:9 .*MLFLOW_TRACKING_URI"):
        open_store(tmp_path, settings("http://127.0.0.1:9", None))
    assert time.monotonic() - begin < 20


READ = """
import sys
from pathlib import Path
from mlflow import MlflowClient
from brpnas.errors import TrackingError
from pipelines.mlflow_store import open_store
from tests.pipelines.mlflow_store.test_opening import settings
root, given = Path(sys.argv[1]), settings("sqlite:///data/mlflow.db")
uri = open_store(root, given, write=False)["server"]["mlflow_tracking_uri"]
print([experiment.name for experiment in MlflowClient(uri).search_experiments()])
try:
    open_store(root, given)
except TrackingError as error:
    print(error)
"""


def test_a_store_that_can_only_be_read_is_opened_for_readers(file: Path, repository: Path) -> None:
    command = [sys.executable, "-c", READ, str(file.parents[1])]
    if os.geteuid() == 0:  # root may write everything, unless this right is removed
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everything")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    file.chmod(0o444)
    file.parent.chmod(0o555)
    try:
        done = subprocess.run(
            command,
            cwd=repository,
            env={**os.environ, "PYTHONPATH": str(repository)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        file.parent.chmod(0o755)
    read, refused = done.stdout.splitlines()
    assert read == "['Default']"
    assert re.search(r"mlflow\.db.*\bwrite", refused)


def test_an_address_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"'sqlite:/data/mlflow\.db'"):
        open_store(tmp_path, settings("sqlite:/data/mlflow.db"))


def test_passwords_in_addresses_are_not_shown(tmp_path: Path) -> None:
    address = "http://me:secret@127.0.0.1:9"
    with pytest.raises(TrackingError, match=r" http://127\.0\.0\.1:9 ") as caught:
        open_store(tmp_path, settings(address, None))
    said = explained(MlflowException(f"API request to {address}/api failed"))
    for error in (caught.value, said):
        assert "secret" not in str(error)
        assert "127.0.0.1" in str(error)


@pytest.mark.parametrize("uri", ["mlruns", "/tmp/mlruns", "file:///tmp/mlruns"])
def test_a_folder_as_a_store_is_refused(tmp_path: Path, uri: str) -> None:
    with pytest.raises(TrackingError, match=r"folders.*sqlite:///"):
        open_store(tmp_path, settings(uri))


def test_a_request_that_is_wrong_in_itself_keeps_its_traceback(uri: str) -> None:
    """It is a fault of this project, which nobody mends by looking at the store."""
    with pytest.raises(MlflowException) as caught:
        MlflowClient(uri).search_runs(["0"], "no filter at all")
    assert explained(caught.value) is None
    with pytest.raises(MlflowException) as caught:
        MlflowClient("foo://x").get_experiment_by_name("brpnas")
    assert "unsupported URI" in str(explained(caught.value)), "the address is the user's"


def test_errors_of_mlflow_and_its_database_are_explained() -> None:
    outer = RuntimeError("wrapped by kedro")
    outer.__cause__ = MlflowException("gone-7")
    assert "gone-7" in str(explained(outer))
    assert "full-7" in str(explained(OperationalError("INSERT", {}, Exception("full-7"))))
    assert explained(ValueError("ours")) is None
