from __future__ import annotations

from pathlib import Path

import pytest
from kedro.config import OmegaConfigLoader

from pipelines import settings


@pytest.fixture
def load(project: Path, monkeypatch: pytest.MonkeyPatch):
    def make(env: str | None = None) -> OmegaConfigLoader:
        return OmegaConfigLoader(str(project / "conf"), env=env, **settings.CONFIG_LOADER_ARGS)

    return make


def test_store_and_artifacts_are_local_by_default(load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflow = load()["mlflow"]
    assert mlflow["server"]["mlflow_tracking_uri"] == "sqlite:///data/mlflow.db"
    experiment = mlflow["tracking"]["experiment"]
    assert experiment["create_experiment_kwargs"]["artifact_location"] == "data/mlartifacts"


def test_a_server_is_used_when_the_environment_names_one(
    load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    mlflow = load()["mlflow"]
    assert mlflow["server"]["mlflow_tracking_uri"] == "http://mlflow:5000"
    experiment = mlflow["tracking"]["experiment"]
    assert experiment["create_experiment_kwargs"]["artifact_location"] is None


def test_environments_write_to_folders_of_their_own(load) -> None:
    base = load()["catalog"]["architectures"]["filepath"]
    paper = load("latbench")["catalog"]["architectures"]["filepath"]
    assert base == "data/03_primary/architectures.parquet"
    assert paper == "data/latbench/03_primary/architectures.parquet"
    assert load("latbench")["catalog"]["published_latbench"]["filepath"] == "data/01_raw"


def test_usage_data_is_not_sent_and_runs_are_not_watched() -> None:
    assert {"kedro-telemetry", "kedro-viz"} == set(settings.DISABLE_HOOKS_FOR_PLUGINS)
