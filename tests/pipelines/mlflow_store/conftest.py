"""Shared by the tests of the store: a copy of a store, and its address in MLflow."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest


@pytest.fixture
def file(empty_database: Path, tmp_path: Path) -> Path:
    """A copy of the store in its own project; the folder name has a blank."""
    root = tmp_path / "my project"
    (root / "data").mkdir(parents=True)
    shutil.copy(empty_database, root / "data" / "mlflow.db")
    return root / "data" / "mlflow.db"


@pytest.fixture
def uri(file: Path) -> Iterator[str]:
    """The address of the store, set in MLflow."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_NAME"):
            patch.setenv(name, "")  # undoes MLflow's own changes
            patch.delenv(name)
        before, address = mlflow.get_tracking_uri(), f"sqlite:///{file}"
        mlflow.set_tracking_uri(address)
        yield address
        mlflow.set_tracking_uri(before)
