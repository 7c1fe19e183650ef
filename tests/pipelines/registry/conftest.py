"""Shared by the tests of the registry: a SQLite store, empty or with champions."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient

from pipelines.registry import promote, register
from tests.pipelines.registry.toys import NAME, challenger, config


def copy(database: Path, target: Path) -> None:
    """Copy a database by SQLite, so that open connections to the former one see the change."""
    with closing(sqlite3.connect(database)) as old, closing(sqlite3.connect(target)) as new:
        new.execute("PRAGMA synchronous = OFF")
        old.backup(new)


@contextmanager
def using(database: Path, folder: Path, artifacts: Path | None = None) -> Iterator[str]:
    """Set MLflow to a copy of a database, for the block; artifacts lie beside the copy by default.

    MLflow reads a whole model before it writes one of its tags, to refuse prompts of language
    models. There are none, and the reading is a sixth of the time of these tests. It also loads
    each registered model and predicts its example, to warn of a failure; the tests of served models
    do it.
    """
    artifacts = artifacts or folder / "artifacts"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MlflowClient, "_raise_if_prompt", lambda *_: None, raising=False)
        patch.setattr("mlflow.models.utils._validate_serving_input", lambda *_, **__: None)
        copy(database, folder / "mlflow.db")
        uri, before = f"sqlite:///{folder}/mlflow.db", mlflow.get_tracking_uri()
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
            patch.setenv(name, "")  # undoes MLflow's own changes
            patch.delenv(name)
        mlflow.set_tracking_uri(uri)
        mlflow.create_experiment("registry", artifact_location=artifacts.as_uri())
        mlflow.set_experiment("registry")
        yield uri
        mlflow.set_tracking_uri(before)


@pytest.fixture
def store(
    empty_database: Path, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> Iterator[str]:
    """Address of a new store, set in MLflow.

    It is that of the store before: MLflow keeps the queries it compiled for an address.
    """
    place = tmp_path_factory.getbasetemp() / "store"
    place.mkdir(exist_ok=True)
    with using(empty_database, place, tmp_path / "artifacts") as uri:
        yield uri


@pytest.fixture(scope="session")
def history(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Databases of a store as it grew: copies of them share its artifacts.

    ``one`` holds version 1, the champion. In ``two`` version 2, a better one, is challenger. In
    ``three`` versions 1 to 3 have been champion, each in its turn.
    """
    folder = tmp_path_factory.mktemp("history")
    times = {name: folder / f"{name}.db" for name in ("one", "two", "three")}

    with using(empty_database, folder):
        for name, error in (("one", 0.1), ("two", 0.05), ("three", 0.02)):
            register(challenger(error))
            if name == "two":
                shutil.copy(folder / "mlflow.db", times[name])
            assert promote(NAME, config()).promote
            if name != "two":
                shutil.copy(folder / "mlflow.db", times[name])
    return times


@pytest.fixture
def one(history: dict[str, Path], store: str) -> str:
    """Address of a new store with version 1 as champion."""
    return _filled(store, history["one"])


@pytest.fixture
def two(history: dict[str, Path], store: str) -> str:
    """Address of a new store with version 1 as champion and version 2, better, as challenger."""
    return _filled(store, history["two"])


@pytest.fixture
def three(history: dict[str, Path], store: str) -> str:
    """Address of a new store with versions 1 to 3, each champion in its turn."""
    return _filled(store, history["three"])


def _filled(store: str, database: Path) -> str:
    copy(database, Path(store.removeprefix("sqlite:///")))
    return store
