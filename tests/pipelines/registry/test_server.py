"""The registry behind a real ``mlflow server``, as in a deployment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import mlflow
import pytest

from pipelines.registry import list_models, promote, register, rollback
from tests.export.costs import cost_of
from tests.pipelines.registry.processes import free_port, running
from tests.pipelines.registry.toys import ARCHS, NAME, challenger, config


@contextmanager
def serving(store: str, folder: Path) -> Iterator[str]:
    """Address of a server on a store, set in MLflow for the block."""
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store]
    command += ["--artifacts-destination", str(folder / "kept"), "--port", str(port)]
    command += ["--workers", "1"]
    with running(command, f"{uri}/health", folder, os.environ):
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment("over http")
        yield uri


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[str]:
    """Address of a server on a new store."""
    with serving(store, tmp_path) as uri:
        yield uri


@pytest.mark.slow
@pytest.mark.usefixtures("server")
def test_everything_works_over_http(tmp_path: Path) -> None:
    for error in (0.1, 0.02):
        register(challenger(error))
        assert promote(NAME, config()).promote
    register(challenger(0.1))
    assert promote(NAME, config()).verdict == "kept"
    assert rollback(NAME).champion == "1"
    (row,) = list_models().to_dict("records")
    assert (row["versions"], row["champion"], row["challenger"]) == (3, "1", "3")
    answer = mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(ARCHS)
    assert abs(answer["latency_ms"] / cost_of(ARCHS) - 1).max() < 0.1
    assert list((tmp_path / "kept").rglob("predictor.onnx")), "artifacts went through the server"
