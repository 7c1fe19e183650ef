from __future__ import annotations

import mlflow
import numpy as np
import pytest
from mlflow.tracking import MlflowClient

from brpnas.datasets import DeviceMetric
from pipelines.registry import metric_model_name, register
from tests.export.costs import cost_model
from tests.pipelines.registry.toys import ARCHS, NAME, challenger

pytestmark = pytest.mark.usefixtures("store")


def test_each_registration_is_a_version_and_the_challenger() -> None:
    assert [register(challenger()), register(challenger(0.1))] == ["1", "2"]
    model = MlflowClient().get_registered_model(NAME)
    assert {alias: str(v) for alias, v in model.aliases.items()} == {"challenger": "2"}
    assert model.tags == {"brpnas.kind": "latency"}
    assert "champion" in model.description


def test_version_carries_its_tags_and_its_run() -> None:
    with mlflow.start_run() as run:
        version = register(challenger(tags={"git.commit": "abc"}))
    found = MlflowClient().get_model_version(NAME, version)
    assert found.run_id == run.info.run_id
    assert found.tags["git.commit"] == "abc"
    assert found.tags["brpnas.test.rows"] == str(len(ARCHS))
    assert f"brpnas promote {NAME}" in found.description


def test_name_may_hold_a_dot() -> None:
    name = metric_model_name(DeviceMetric("latency_ms", "board-1.2"))
    register(challenger(name=name))
    assert mlflow.pyfunc.load_model(f"models:/{name}@challenger").predict(ARCHS).shape == (120, 2)


def test_without_an_active_run_it_makes_one_and_ends_it() -> None:
    register(challenger())
    assert mlflow.active_run() is None
    assert mlflow.last_active_run().info.run_name == f"register {NAME}"


def test_attached_are_signature_example_card_licence() -> None:
    register(challenger())
    uri = f"models:/{NAME}@challenger"
    info = mlflow.models.get_model_info(uri)
    assert info.signature is not None
    assert info.saved_input_example_info is not None
    assert info.metadata["view"] == "raw"
    for file, text in {"README.md": "# A board\n", "LICENSE": "Do as you like.\n"}.items():
        assert mlflow.artifacts.load_text(f"{uri}/artifacts/{file}") == text


def test_even_a_broken_challenger_becomes_a_version_that_can_be_refused() -> None:
    broken = cost_model([np.nan] * 9)
    assert register(challenger(onnx=broken)) == "1"
