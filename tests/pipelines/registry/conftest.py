"""Shared by the tests of the registry: a SQLite store, and challengers of a chosen error."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest
from mlflow.tracking import MlflowClient


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables; creating them takes seconds."""
    path = tmp_path_factory.mktemp("database") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@contextmanager
def using(database: Path, folder: Path) -> Iterator[str]:
    """Set MLflow to a copy of a database, for the block; artifacts lie beside the copy."""
    with pytest.MonkeyPatch.context() as patch:
        shutil.copy(database, folder / "mlflow.db")
        uri, before = f"sqlite:///{folder}/mlflow.db", mlflow.get_tracking_uri()
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
            patch.setenv(name, "")  # undoes MLflow's own changes
            patch.delenv(name)
        mlflow.set_tracking_uri(uri)
        mlflow.create_experiment("registry", artifact_location=(folder / "artifacts").as_uri())
        mlflow.set_experiment("registry")
        yield uri
        mlflow.set_tracking_uri(before)


@pytest.fixture
def store(empty_database: Path, tmp_path: Path) -> Iterator[str]:
    """Address of a new store, set in MLflow."""
    with using(empty_database, tmp_path) as uri:
        yield uri
