from __future__ import annotations

import pytest

from pipelines.pipeline_registry import ON_REQUEST, STAGES, register_pipelines


def test_every_stage_and_the_default_are_registered() -> None:
    assert list(register_pipelines()) == ["__default__", *STAGES, *ON_REQUEST]
    assert len(register_pipelines()) == len(list(register_pipelines()))


def test_others_run_only_when_asked_for() -> None:
    default = {node.name for node in register_pipelines()["__default__"].nodes}
    for producer in ON_REQUEST:
        own = {node.name for node in register_pipelines()[producer].nodes}
        assert own
        assert not own & default


def test_default_is_all_stages_in_a_row() -> None:
    registry = register_pipelines()
    nodes = {node.name for stage in STAGES for node in registry[stage].nodes}
    assert {node.name for node in registry["__default__"].nodes} == nodes
    free = {name for name in registry["__default__"].inputs() if not name.startswith("params:")}
    given = {"published_help", "published_latbench", "published_nasbench201"}
    given |= {"published_nasbench101", "published_nasbench301", "published_fbnet"}
    measured = {"measured_latency", "measured_operations", "measured_devices"}
    own = measured | {"device_files", "trained_accuracy", "answers_by_hand", "device_prior"}
    assert free == given | own | {"search_store"}


def test_unknown_pipeline_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        register_pipelines()["deploy"]


def test_outputs_of_stages_do_not_overlap() -> None:
    made = [
        name
        for stage in (*STAGES, *ON_REQUEST)
        for name in register_pipelines()[stage].all_outputs()
    ]
    assert len(made) == len(set(made))
