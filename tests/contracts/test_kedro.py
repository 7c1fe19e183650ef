"""`kedro.yml`, `pyproject.toml`, the registry, the catalog and the folders agree."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.cli.project import run
from kedro.io import DataCatalog

from pipelines import settings
from pipelines.pipeline_registry import (
    DELIVERERS,
    ON_REQUEST,
    PRODUCERS,
    STAGES,
    register_pipelines,
)

REPOSITORY = Path(__file__).resolve().parents[2]
MANIFEST: dict[str, Any] = yaml.safe_load((REPOSITORY / "kedro.yml").read_text())
LOGGED = {"metrics", "history", "artifact"}
MOST_INPUTS = 6


@pytest.fixture(scope="module")
def entries() -> dict[str, Any]:
    loader = OmegaConfigLoader(str(REPOSITORY / "conf"), **settings.CONFIG_LOADER_ARGS)
    return dict(loader["catalog"])


def kedro(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kedro", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "BRPNAS_MIRROR": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_manifest_is_that_of_pyproject() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["kedro"]
    assert {key: project[key] for key in MANIFEST["project"]} == MANIFEST["project"]


def test_manifest_lists_the_stages_and_environments() -> None:
    assert MANIFEST["stages"] == list(STAGES)
    assert MANIFEST["producers"] == list(PRODUCERS)
    assert MANIFEST["deliverers"] == list(DELIVERERS)
    folders = sorted(path.name for path in (REPOSITORY / "conf").iterdir() if path.is_dir())
    assert MANIFEST["environments"] == folders


def test_defaults_of_run_are_options_of_kedro_run() -> None:
    options = {option.name for option in run.params}
    assert set(MANIFEST["run"]) <= options
    assert MANIFEST["run"]["pipelines"].split(",") == list(STAGES)


@pytest.mark.parametrize("stage", [*STAGES, *ON_REQUEST])
def test_stage_is_a_folder_of_three_files(stage: str) -> None:
    folder = REPOSITORY / "pipelines" / stage
    assert {"__init__.py", "nodes.py", "pipeline.py"} <= {path.name for path in folder.iterdir()}
    assert (REPOSITORY / "conf" / "base" / f"catalog_{stage}.yml").is_file()


@pytest.mark.parametrize("stage", [*STAGES, *ON_REQUEST])
def test_no_node_has_more_than_six_inputs_and_no_function_more_arguments(stage: str) -> None:
    sizes = {
        one.name: (len(one.inputs), len(inspect.signature(one.func.resolve()).parameters))
        for one in register_pipelines()[stage].nodes
    }
    assert sizes
    assert {name: size for name, size in sizes.items() if max(size) > MOST_INPUTS} == {}


def test_ruff_allows_six_arguments_in_pipelines_without_exceptions() -> None:
    ruff = tomllib.loads((REPOSITORY / "pipelines" / "ruff.toml").read_text())
    assert ruff["lint"]["pylint"]["max-args"] == MOST_INPUTS
    files = (REPOSITORY / "pipelines").rglob("*.py")
    assert [str(file) for file in files if re.search(r"noqa.*PLR091", file.read_text())] == []


def test_catalog_can_be_built_and_holds_what_pipelines_exchange(entries: dict[str, Any]) -> None:
    catalog = DataCatalog.from_config(entries)
    stages = [register_pipelines()[stage] for stage in (*STAGES, *ON_REQUEST)]
    used = set().union(*(stage.datasets() for stage in stages))
    exchanged = {name for name in used if not name.startswith("params:")}
    kept = set().union(*(stage.inputs() | stage.outputs() for stage in stages))
    assert {name for name in kept if not name.startswith("params:")} <= set(catalog.keys())
    assert set(entries) <= exchanged, "the catalog has entries that no pipeline uses"


def test_no_entry_is_versioned_by_kedro(entries: dict[str, Any]) -> None:
    assert not [name for name, entry in entries.items() if "versioned" in entry]


def test_every_output_is_written_by_a_dataset_of_the_project(entries: dict[str, Any]) -> None:
    """Those alone are atomic; what stays in memory is never copied."""
    in_memory = [entry for entry in entries.values() if entry["type"] == "kedro.io.MemoryDataset"]
    assert all(entry["copy_mode"] == "assign" for entry in in_memory)
    written = [entry for entry in entries.values() if entry not in in_memory]
    assert {entry["type"].rpartition(".")[0] for entry in written} == {"pipelines.datasets"}


def test_what_is_logged_is_known(entries: dict[str, Any]) -> None:
    asked: list[str] = []
    for entry in entries.values():
        kind = entry.get("metadata", {}).get("mlflow", [])
        asked += [kind] if isinstance(kind, str) else kind
    assert set(asked) == LOGGED


@pytest.mark.slow
def test_registry_and_catalog_commands_work() -> None:
    listed = kedro("registry", "list")
    assert listed.returncode == 0, listed.stderr
    names = {line.strip("- ") for line in listed.stdout.splitlines()}
    assert names >= {"__default__", *STAGES, *ON_REQUEST}
    described = kedro("catalog", "describe-datasets", "--pipeline=search")
    assert described.returncode == 0, described.stderr
    assert "search_history" in described.stdout
