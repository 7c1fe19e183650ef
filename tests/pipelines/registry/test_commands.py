"""Output of the commands, in a copy of the project with its own store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
from kedro.config import OmegaConfigLoader

from brpnas.errors import ConfigurationError, TrackingError, UnknownNameError
from brpnas.spaces import NetworkConfig
from pipelines.registry import register
from pipelines.registry.commands import models_text, project_settings, promote_text, rollback_text
from pipelines.settings import CONFIG_LOADER_ARGS
from tests.pipelines.registry.toys import NAME, challenger


@pytest.fixture
def stocked(project: Path, store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project with the store in its configuration."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    yield project
    mlflow.set_tracking_uri(store)


def test_a_model_is_listed_promoted_and_rolled_back(stocked: Path) -> None:
    assert re.match(r"No model .* sqlite:///", models_text(stocked))
    for error in (0.1, 0.02):
        register(challenger(error))
        text = promote_text(stocked, NAME)
        assert "decision    promoted" in text
    assert re.search(r"^difference +0\.\d", text, re.MULTILINE)
    header, row = models_text(stocked).splitlines()
    assert header.split()[:4] == ["model", "versions", "champion", "challenger"]
    assert row.split()[:4] == [NAME, "2", "2", "2"]
    assert re.findall(r"version \d", rollback_text(stocked, NAME)) == ["version 1", "version 2"]


def test_gates_are_those_of_the_project(stocked: Path) -> None:
    (stocked / "conf" / "local" / "parameters_promote.yml").write_text(
        "promote: {latency: {min_test_rows: 5000}}"
    )
    register(challenger())
    assert " 5000." in promote_text(stocked, NAME)


def test_settings_of_an_environment(project: Path) -> None:
    base = project_settings(project)
    assert (base.env, base.workspace) == (None, project / "data")
    assert (base.space, base.network_size) == ("nasbench201", NetworkConfig().size)
    (project / "conf" / "local" / "parameters_train.yml").write_text("test_share: 0.25")
    (project / "conf" / "local" / "parameters_ingest.yml").write_text("network: {channels: 8}")
    own = project_settings(project)
    assert own.test_share == 0.25
    assert own.network_size == NetworkConfig(channels=8).size
    darts = project_settings(project, "darts")
    assert (darts.env, darts.space) == ("darts", "darts")
    assert darts.workspace == project / "data" / "darts"
    with pytest.raises(UnknownNameError):
        project_settings(project, "drats")


def test_a_wrong_gate_is_an_error(stocked: Path) -> None:
    (stocked / "conf" / "local" / "parameters_promote.yml").write_text(
        "promote: {latency: {min_test_row: 50}}"
    )
    with pytest.raises(ConfigurationError, match="min_test_rows"):
        promote_text(stocked, NAME)


def test_json_is_the_whole_decision(stocked: Path) -> None:
    register(challenger())
    found = json.loads(promote_text(stocked, NAME, as_json=True))
    assert found["verdict"] == "promoted"
    assert found["figures"]["gates"]["min_spearman"] == 0.9


def test_the_folder_one_is_in_does_not_matter_and_stays(
    stocked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    text = models_text(stocked)
    assert text.endswith(f" sqlite:///{stocked}/data/mlflow.db.")
    assert (stocked / "data" / "mlflow.db").exists()
    assert Path.cwd() == tmp_path


def test_the_environment_may_be_named_by_the_variable_of_kedro(
    stocked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEDRO_ENV", "lotbench")
    with pytest.raises(UnknownNameError, match="environment 'lotbench'"):
        models_text(stocked)
    (stocked / "conf" / "mine").mkdir()
    (stocked / "conf" / "mine" / "parameters_promote.yml").write_text(
        "promote: {latency: {min_test_rows: 5000}}"
    )
    monkeypatch.setenv("KEDRO_ENV", "mine")
    register(challenger())
    assert " 5000." in promote_text(stocked, NAME)


def test_an_empty_address_is_none(stocked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In CI a variable that is not set is empty."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "")
    assert models_text(stocked).endswith(f"sqlite:///{stocked}/data/mlflow.db.")
    loader = OmegaConfigLoader(str(stocked / "conf"), **CONFIG_LOADER_ARGS)
    assert loader["mlflow"]["tracking"]["experiment"]["name"] == "brpnas"


def test_errors_are_of_this_project(stocked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNameError, match="environment 'lotbench'"):
        models_text(stocked, "lotbench")
    with pytest.raises(UnknownNameError, match="registered model 'none'"):
        rollback_text(stocked, "none")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9.*MLFLOW_TRACKING_URI"):
        models_text(stocked)
