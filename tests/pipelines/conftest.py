"""Shared by the tests of the application: a project folder for runs, and small tables."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MeasuredRows, MetricPredictor, TrainingConfig, fit_metric
from brpnas.spaces import get_space
from pipelines.mlflow_store.local import check_or_make
from tests.datasets.benchmark import write_benchmark
from tests.pipelines.toys import make_accuracy, make_architectures, make_predictions, weight

Run = Callable[..., subprocess.CompletedProcess[str]]


@event.listens_for(Engine, "connect")
def write_without_waiting(connection: object, record: object) -> None:
    """Commits to the SQLite stores of tests do not wait for the disk: no power cut is tested."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as a first command makes it, made once: MLflow's tables take seconds."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "database"
    folder.mkdir(exist_ok=True)
    check_or_make(folder / "mlflow.db", folder / "mlartifacts")  # one of several workers makes it
    return folder / "mlflow.db"


@pytest.fixture
def project(tmp_path: Path, repository: Path) -> Path:
    """A copy of the application, without data, to run `kedro` in."""
    root = tmp_path / "project"
    root.mkdir()
    for folder in ("conf", "pipelines"):
        ignored = shutil.ignore_patterns("__pycache__", "local")
        shutil.copytree(repository / folder, root / folder, ignore=ignored)
    (root / "conf" / "local").mkdir()
    (root / "data").mkdir()
    for file in ("pyproject.toml", "kedro.yml"):
        shutil.copy(repository / file, root / file)
    return root


@pytest.fixture
def kedro(project: Path) -> Run:
    """Run a `kedro` command in the project and return its output and exit code."""

    def run(
        *arguments: str, folder: Path = project, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        others = ("BRPNAS_", "KEDRO_ENV", "MLFLOW_EXPERIMENT", "MLFLOW_T")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(others)}
        environment: Mapping[str, str] = {**kept, "BRPNAS_MIRROR": "nowhere", **variables}
        command = [sys.executable, "-m", "kedro", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def written_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the one of the shipped benchmark, written once."""
    return write_benchmark(tmp_path_factory.mktemp("benchmark") / "embedded")


@pytest.fixture
def small_benchmark(written_benchmark: Path, tmp_path: Path) -> Path:
    """A folder like the one of the shipped benchmark; the device is `board`."""
    return shutil.copytree(written_benchmark, tmp_path / "embedded")


@pytest.fixture(scope="session")
def small_graphs() -> SpaceGraphs:
    """Graphs of 120 cells of NAS-Bench-201."""
    space = get_space("nasbench201")
    return space.graphs(sorted(space.sample(np.random.default_rng(0), 120)))


@pytest.fixture(scope="session")
def predictor(small_graphs: SpaceGraphs) -> MetricPredictor:
    """A latency predictor of these cells, hardly trained."""
    measured = 1.0 + weight(small_graphs.arch_ids)
    rows = np.arange(60), np.arange(60, 80)
    train, valid = (MeasuredRows(part, measured[part]) for part in rows)
    tiny = TrainingConfig(hidden=8, layers=2, epochs=2)
    return fit_metric(small_graphs, train, valid, tiny, view="raw", members=1)


@pytest.fixture
def architectures(small_graphs: SpaceGraphs) -> pd.DataFrame:
    """Their architectures table."""
    return make_architectures(small_graphs.arch_ids)


@pytest.fixture
def accuracy(small_graphs: SpaceGraphs) -> pd.DataFrame:
    """Their accuracy table, for one data set named cifar100."""
    return make_accuracy(small_graphs.arch_ids)


@pytest.fixture
def predictions(small_graphs: SpaceGraphs) -> pd.DataFrame:
    """Their predicted and, for some, measured latency."""
    return make_predictions(small_graphs.arch_ids)
