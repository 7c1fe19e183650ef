"""The store follows its project: real runs and models, in a moved or copied folder."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from pipelines.mlflow_store.locations import relocate

FOLDER = "data/mlartifacts"


@pytest.fixture
def root(uri: str, file: Path) -> Iterator[Path]:
    """Project with a run, its artifact, and a model version made from it."""
    root = file.parents[1]
    relocate(file, FOLDER, root / FOLDER)
    experiment = mlflow.create_experiment("own", (root / FOLDER).as_uri())
    client = MlflowClient(uri)
    run = client.create_run(experiment)
    folder = root / FOLDER / run.info.run_id / "artifacts"
    folder.mkdir(parents=True)  # not by the client: it caches the former place in this process
    (folder / "note.txt").write_text("before", "utf-8")
    client.create_registered_model("latency-board")
    client.create_model_version("latency-board", f"{run.info.artifact_uri}/model", run.info.run_id)
    return root


def opened(root: Path) -> MlflowClient:
    relocate(root / "data" / "mlflow.db", FOLDER, root / FOLDER)
    return MlflowClient(f"sqlite:///{root}/data/mlflow.db")


def read(client: MlflowClient) -> str:
    (version,) = client.search_model_versions("name = 'latency-board'")
    return Path(client.download_artifacts(version.run_id, "note.txt")).read_text("utf-8")


def locations(root: Path) -> set[str]:
    with closing(sqlite3.connect(root / "data" / "mlflow.db")) as database:
        return {
            str(row[0])
            for query in (
                "SELECT artifact_uri FROM runs",
                "SELECT artifact_location FROM experiments WHERE experiment_id != 0",
                "SELECT source FROM model_versions",
                "SELECT storage_location FROM model_versions",
            )
            for row in database.execute(query)
        }


def test_a_moved_project_reads_and_writes_where_it_is(root: Path) -> None:
    moved = root.rename(root.with_name("another name"))
    client = opened(moved)
    assert read(client) == "before"
    (version,) = client.search_model_versions("name = 'latency-board'")
    client.log_text(version.run_id, "after", "note.txt")
    assert read(client) == "after"
    assert not root.exists()
    assert all("another%20name/data/mlartifacts" in place for place in locations(moved))


def test_a_copy_leaves_the_original_alone(root: Path) -> None:
    copy = root.with_name("copy")
    shutil.copytree(root, copy)
    client = opened(copy)
    (version,) = client.search_model_versions("name = 'latency-board'")
    client.log_text(version.run_id, "of the copy", "note.txt")
    assert read(client) == "of the copy"
    opened(root)
    (original,) = (root / FOLDER).rglob("note.txt")
    assert original.read_text("utf-8") == "before"
    assert all("my%20project" in place for place in locations(root))


def test_where_they_fit_nothing_is_written(root: Path) -> None:
    store = root / "data" / "mlflow.db"
    before = store.stat().st_mtime_ns
    relocate(store, FOLDER, root / FOLDER)
    assert store.stat().st_mtime_ns == before


def test_a_container_stores_them_relative_and_so_they_stay(root: Path) -> None:
    relocate(root / "data" / "mlflow.db", FOLDER, None)
    found = locations(root)
    assert all(place.startswith(FOLDER) for place in found)
    opened(root)
    assert locations(root) == found


def test_what_lies_elsewhere_stays(root: Path, tmp_path: Path) -> None:
    store = root / "data" / "mlflow.db"
    others = ["s3://bucket/data/mlartifacts", "mlflow-artifacts:/1", "/srv/data/mlartifacts-old"]
    client = MlflowClient(f"sqlite:///{store}")
    for number, place in enumerate(others):
        client.create_experiment(f"other {number}", place)
    with closing(sqlite3.connect(store)) as database:
        before = set(database.execute("SELECT artifact_location FROM experiments").fetchall())
    relocate(store, FOLDER, tmp_path / "elsewhere" / FOLDER)
    with closing(sqlite3.connect(store)) as database:
        after = set(database.execute("SELECT artifact_location FROM experiments").fetchall())
    assert len(before - after) == 1


def add_experiment(root: Path, folder: Path, name: str) -> None:
    MlflowClient(f"sqlite:///{root}/data/mlflow.db").create_experiment(name, folder.as_uri())


def test_another_project_that_shares_the_store_keeps_its_paths(root: Path, tmp_path: Path) -> None:
    """Its artifacts lie in a folder of the same name, but of its own."""
    foreign = tmp_path / "second project" / FOLDER
    add_experiment(root, foreign, "of the second")
    opened(root)
    assert foreign.as_uri() in locations(root)
    moved = root.rename(root.with_name("moved"))
    opened(moved)
    relocate(moved / "data" / "mlflow.db", FOLDER, None)
    assert {place for place in locations(moved) if "://" in place} == {foreign.as_uri()}


def test_a_container_that_was_killed_leaves_paths_that_are_corrected(root: Path) -> None:
    store = root / "data" / "mlflow.db"
    relocate(store, FOLDER, None)
    relocate(store, FOLDER, Path("/app", FOLDER))
    add_experiment(root, Path("/app", FOLDER), "of the container")
    opened(root)
    assert (root / FOLDER).as_uri() in locations(root)
    assert not any("/app/" in place for place in locations(root))


def test_paths_that_a_run_still_writes_to_stay_until_it_has_ended(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = root / "data" / "mlflow.db"
    relocate(store, FOLDER, Path("/app", FOLDER))
    before = locations(root)
    relocate(store, FOLDER, root / FOLDER, in_use=lambda: True)
    assert locations(root) == before
    assert "/app/data/mlartifacts" in caplog.text
    relocate(store, FOLDER, root / FOLDER)
    assert read(MlflowClient(f"sqlite:///{store}")) == "before"


def test_a_store_of_an_earlier_version_follows_its_project(root: Path) -> None:
    """It remembers no folder, but MLflow's own experiment lies in the one it was made with."""
    with closing(sqlite3.connect(root / "data" / "mlflow.db")) as database, database:
        database.execute("DELETE FROM experiment_tags")
        own = f"{root}/{FOLDER}/0"
        database.execute(
            "UPDATE experiments SET artifact_location = ? WHERE name = 'Default'", [own]
        )
    moved = root.rename(root.with_name("moved"))
    assert read(opened(moved)) == "before"


def test_without_a_store_nothing_happens(tmp_path: Path) -> None:
    relocate(tmp_path / "mlflow.db", FOLDER, tmp_path)
    assert list(tmp_path.iterdir()) == []
