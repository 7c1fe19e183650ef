from __future__ import annotations

import re

import pytest
from mlflow.tracking import MlflowClient

from brpnas.errors import RegistryError, UnknownNameError
from pipelines.registry import register
from pipelines.registry.versions import RegisteredModel, all_models, now
from tests.pipelines.registry.toys import NAME, challenger

pytestmark = pytest.mark.usefixtures("store")


def test_now_is_utc_to_the_second() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", now())


def test_all_models_are_found_page_by_page() -> None:
    names = [f"model-{number:03}" for number in range(103)]
    for name in names:
        MlflowClient().create_registered_model(name)
    assert sorted(model.name for model in all_models(MlflowClient())) == names


def test_versions_are_in_the_order_of_their_numbers() -> None:
    register(challenger())
    first = MlflowClient().get_model_version(NAME, "1")
    for _ in range(10):
        MlflowClient().create_model_version(NAME, first.source, first.run_id)
    assert [str(v.version) for v in RegisteredModel(NAME).versions()] == [
        str(n) for n in range(1, 12)
    ]


def test_tags_come_and_go() -> None:
    registered = RegisteredModel((register(challenger()), NAME)[1])
    registered.tag("1", {"a": "x", "b": "y"})
    assert {"a", "b"} <= set(registered.version("1").tags)
    registered.untag("1", "a")
    registered.untag("1", "a")  # already gone
    assert "a" not in registered.version("1").tags


def test_what_is_not_there_is_named() -> None:
    register(challenger())
    with pytest.raises(UnknownNameError, match=rf"'{NAME}'\?"):
        RegisteredModel("latency-boards")
    with pytest.raises(RegistryError, match=r"no version 7\. Known: 1"):
        RegisteredModel(NAME).version("7")
