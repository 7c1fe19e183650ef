"""The YAML files of every environment hold exactly the keys of the configuration models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from pydantic import BaseModel

from pipelines import settings
from pipelines.checks import check_parameters
from pipelines.config import NetworkSize, Parameters, parse
from pipelines.explain import leaves
from pipelines.pipeline_registry import ON_REQUEST, STAGES, register_pipelines

CONF = Path(__file__).resolve().parents[2] / "conf"
ENVIRONMENTS = (
    *("base", "chain", "darts", "embedded", "fbnet", "latbench", "live", "nasbench101", "prior"),
)
MEASURE = {"chain", "darts", "fbnet", "live", "nasbench101"}
"""Environments with the device that they measure."""
WITHOUT_SECTION = {"featurise"}
"""Stages without parameters of their own."""
TOP_LEVEL = {
    "ingest": {"space", "network"},
    "measure": {"timing"},
    "train_candidates": {"images", "network_training"},
    "retrain": {"adaptation"},
    "train": {"device", "test_share"},
    "search": {"dataset", "constraints", "objectives"},
}
"""Groups read by several stages, and single keys, for a short `--params device=...`."""


def read(env: str) -> dict[str, Any]:
    loader = OmegaConfigLoader(str(CONF), env=env, **settings.CONFIG_LOADER_ARGS)
    return dict(loader["parameters"])


def fields(model: type[BaseModel], prefix: str = "") -> set[str]:
    paths: set[str] = set()
    for name, field in model.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            paths |= fields(nested, f"{prefix}{name}.")
        else:
            paths.add(f"{prefix}{name}")
    return paths


def test_base_sets_every_key_and_no_other() -> None:
    assert set(leaves(read("base"))) == fields(Parameters)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_environment_is_valid_and_names_what_exists(env: str) -> None:
    values = read(env)
    parse(Parameters, values)
    registry = register_pipelines()
    pipeline = registry["__default__"]
    if env in MEASURE:
        pipeline += registry["measure"]
    check_parameters(pipeline, values)


@pytest.mark.parametrize("stage", sorted({*STAGES, *ON_REQUEST} - WITHOUT_SECTION))
def test_file_of_a_stage_holds_its_section(stage: str) -> None:
    values = yaml.safe_load((CONF / "base" / f"parameters_{stage}.yml").read_text())
    assert set(values) == {stage} | TOP_LEVEL.get(stage, set())


def test_there_are_no_other_parameter_files() -> None:
    """An environment has files of stages, or one file with all that a user edits."""
    stages = {*STAGES, *ON_REQUEST} - WITHOUT_SECTION
    expected = {f"parameters_{stage}.yml" for stage in stages}
    assert {file.name for file in (CONF / "base").glob("parameters*")} == expected
    for env in ENVIRONMENTS:
        found = {file.name for file in (CONF / env).glob("parameters*")}
        assert found <= expected or found == {"parameters.yml"}


def test_the_papers_setting_is_spelt_out() -> None:
    values = read("latbench")
    assert values["device"] == "desktop-cpu-core-i7-7820x-fp32"
    assert (values["train"]["train_rows"], values["train"]["valid_rows"]) == (900, 100)
    assert (values["dataset"], values["search"]["budget"]["queries"]) == ("cifar100", 100)
    assert values["search"]["report"]["comparison_seeds"] >= 10, "DESIGN 5.5: at least 10 seeds"


def test_environments_do_not_write_to_the_same_place() -> None:
    globals_ = {
        env: yaml.safe_load((CONF / env / "globals.yml").read_text())["workspace"]
        for env in ENVIRONMENTS
    }
    assert len(set(globals_.values())) == len(ENVIRONMENTS)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_the_size_of_the_networks_stands_in_one_place(env: str) -> None:
    sizes = set(NetworkSize.model_fields)
    files = {file.name: yaml.safe_load(file.read_text()) for file in (CONF / env).glob("param*")}
    found = {
        (name, key.rpartition(".")[0])
        for name, values in files.items()
        for key in leaves(values)
        if key.rpartition(".")[2] in sizes
    }
    place = "parameters.yml" if "parameters.yml" in files else "parameters_ingest.yml"
    assert found <= {(place, "network")}


def test_the_keys_that_most_people_change_stand_where_the_page_says() -> None:
    page = (CONF / "README.md").read_text()
    table = page.partition("## The six keys")[2].partition("##")[0]
    rows = re.findall(r"^\| `([\w.]+)` \|.*\| `(\w+\.yml)` \|$", table, re.MULTILINE)
    assert len(rows) == 6
    for key, file in rows:
        assert key in set(leaves(yaml.safe_load((CONF / "base" / file).read_text())))
    groups = page.partition("## Groups")[2]
    for group, file in re.findall(r"^\| `(\w+)` \|.*\| `(\w+\.yml)` \|$", groups, re.MULTILINE):
        assert group in yaml.safe_load((CONF / "base" / file).read_text())
