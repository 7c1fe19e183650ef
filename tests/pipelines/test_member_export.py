"""Members of the last search's front as files, in a copy of the project."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import onnxruntime as ort
import pandas as pd
import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog

from brpnas.errors import BrpNasError, ConfigurationError, UnknownNameError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricPredictor
from pipelines.checks import MissingInputError
from pipelines.export import create_pipeline
from pipelines.member_export import EVALUATION, export_member
from pipelines.registry.commands import export_member_text
from pipelines.settings import CONFIG_LOADER_ARGS
from tests.pipelines.conftest import Run
from tests.pipelines.search.stage import IMAGES, NETWORK, PARAMS, TASK, stage
from tests.pipelines.stages import Stage

TRAIN = {"latency_ms@toy-device": {"device": "toy-device"}}
FILES = ["README.md", "deployed", "network.onnx", EVALUATION, "parity.json"]


def loader(project: Path) -> OmegaConfigLoader:
    return OmegaConfigLoader(str(project / "conf"), **CONFIG_LOADER_ARGS)


@pytest.fixture
def searched(
    project: Path,
    tmp_path: Path,
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    predictor: MetricPredictor,
) -> tuple[Path, dict[str, Any]]:
    """A project after a search for accuracy and latency, and the result of the search."""
    tables = (
        small_graphs,
        architectures,
        accuracy,
        predictions,
        {"latency_ms@toy-device": predictor},
    )
    two = {"params:objectives": ["accuracy", "-latency_ms"]}
    done = stage(tables, tmp_path / "store", PARAMS, TASK, **two)
    own = {"network": NETWORK, "images": IMAGES, "dataset": "cifar100"}
    (project / "conf" / "local" / "parameters.yml").write_text(yaml.safe_dump(own))
    outputs = {
        "search_result": done["search_result"],
        "winner_network": done["winner_network"],
        "space_graphs": small_graphs,
        "train_metrics": TRAIN,
        "ingest_report": {"sources": {}},
    }
    with contextlib.chdir(project):
        catalog = DataCatalog.from_config(loader(project)["catalog"])
        for name, data in outputs.items():
            catalog.save(name, data)
    return project, outputs


def exported(project: Path, member: int | str, output: Path | None = None) -> tuple[Path, Any]:
    with contextlib.chdir(project):
        return export_member(loader(project), member, output)


@pytest.mark.usefixtures("quick_export")
def test_every_member_is_exported_like_the_choice_of_the_search(
    searched: tuple[Path, dict[str, Any]],
) -> None:
    project, outputs = searched
    result, data = outputs["search_result"], project / "data"
    before = sorted(path for path in data.rglob("*") if path.is_file())
    members = [one["chosen"]["arch_id"] for one in result["members"]]
    knee = members.index(result["chosen"]["arch_id"])
    other = next(number for number in range(len(members)) if number != knee)
    folder, evaluation = exported(project, other + 1)
    assert sorted(path.name for path in (project / folder).iterdir()) == sorted(FILES)
    assert json.loads((project / folder / EVALUATION).read_text()) == evaluation
    assert evaluation["found"]["member"] == other + 1
    assert evaluation["found"]["chosen"] == result["members"][other]["chosen"]
    assert members[other].replace("|", "\\|") in (project / folder / "README.md").read_text()
    session = ort.InferenceSession(project / folder / "network.onnx")
    assert session.get_modelmeta().custom_metadata_map["arch_id"] == members[other]
    now = {path for path in data.rglob("*") if path.is_file()}
    assert {path.parents[2] for path in now - set(before)} <= {data / "06_models", data} | {
        (project / folder).parent
    }
    assert exported(project, members[other])[0] == folder, "a later export replaces it"
    # The knee has the figures and files of the stage.
    own, evaluation = exported(project, knee + 1, project / "own")
    assert evaluation["found"]["member"] is None
    parameters: dict[str, Any] = loader(project)["parameters"]
    inputs = {f"params:{name}": values for name, values in parameters.items()}
    inputs |= outputs | {"measured_devices": {}, "search_store": project}
    made = Stage(create_pipeline(), inputs)
    assert made["network_evaluation"] == evaluation
    assert made["network_onnx"] == (own / "network.onnx").read_bytes()
    assert made["network_card"] == (own / "README.md").read_text()
    assert made["deployed_network"] == {
        path.name: path.read_bytes() for path in (own / "deployed").iterdir()
    }


def test_what_cannot_be_exported_is_refused_before_anything_is_written(
    searched: tuple[Path, dict[str, Any]],
) -> None:
    project, _ = searched
    before = sorted(project.rglob("*"))
    with pytest.raises(ConfigurationError, match="99"):
        exported(project, 99)
    with pytest.raises(UnknownNameError):
        exported(project, "|none~0|")
    with pytest.raises(ConfigurationError, match="--output"):
        exported(project, 1, project / "conf")
    assert sorted(project.rglob("*")) == before


def test_without_a_search(project: Path) -> None:
    with pytest.raises(MissingInputError, match="search"):
        exported(project, 1)


@pytest.mark.usefixtures("quick_export")
def test_the_command_tells_architecture_and_folder(
    searched: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    project, outputs = searched
    text = export_member_text(project, "1", tmp_path / "first")
    assert outputs["search_result"]["members"][0]["chosen"]["arch_id"] in text
    assert str(tmp_path / "first") in text
    with pytest.raises(BrpNasError):
        export_member_text(project, "0")


@pytest.mark.slow
def test_a_run_refuses_an_unknown_member_and_a_front_of_one_objective(
    searched: tuple[Path, dict[str, Any]], kedro: Run
) -> None:
    done = kedro("run", "--pipelines=export", "--params=export.member=99")
    assert (done.returncode, "Member 99" in done.stderr) == (1, True)
    done = kedro("run", "--params=export.member=2,dataset=digits")
    assert (done.returncode, "objectives" in done.stderr) == (1, True)
