"""Hooks against a real MLflow store in SQLite, in a Kedro session of a project in a folder."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.config import OmegaConfigLoader
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from mlflow.entities import Run

from brpnas.errors import BrpNasError, ConfigurationError
from brpnas.spaces import get_space
from pipelines.datasets import DeviceTablesDataset
from pipelines.hooks import ConfigurationHooks, TrackingHooks
from tests.pipelines.toys import make_latency

HISTORY = pd.DataFrame({"member": [0, 0], "epoch": [1, 2], "loss": [0.5, 0.25]})
ENTRIES = {
    "metrics": {"metadata": {"mlflow": "metrics"}},
    "history": {"metadata": {"mlflow": "history", "step": "epoch", "by": ["member"]}},
    "plain": {"filepath": "x"},
}


@pytest.fixture(scope="module")
def store(empty_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a new MLflow store, in use for the module."""
    folder = tmp_path_factory.mktemp("mlflow")
    shutil.copy(empty_database, folder / "mlflow.db")
    before, uri = mlflow.get_tracking_uri(), f"sqlite:///{folder}/mlflow.db"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("hooks", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("hooks")
    yield uri
    mlflow.set_tracking_uri(before)


@pytest.fixture
def run_id(store: str, tmp_path: Path) -> Iterator[str]:
    with mlflow.start_run() as run:
        yield run.info.run_id


def started(tmp_path: Path, entries: dict[str, Any] = ENTRIES) -> TrackingHooks:
    hooks = TrackingHooks()
    hooks.after_catalog_created(conf_catalog=entries)
    hooks.before_pipeline_run(
        run_params={
            "project_path": str(tmp_path),
            "run_id": "session-1",
            "pipeline_names": ["train"],
        }
    )
    return hooks


def fetched(run_id: str) -> Run:
    return mlflow.MlflowClient().get_run(run_id)


def test_run_is_tagged_with_group_stage_and_lock(
    run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRPNAS_GROUP", "group-7")
    (tmp_path / "dvc.lock").write_text("stages: {train: {cmd: x}}")
    started(tmp_path)
    tags = fetched(run_id).data.tags
    assert tags["brpnas.group"] == "group-7"
    assert tags["brpnas.stage"] == "train"
    assert len(tags["dvc.lock"]) == len(tags["dvc.stage"]) == 32


def test_metrics_and_history_are_logged_as_asked(run_id: str, tmp_path: Path) -> None:
    hooks = started(tmp_path)
    hooks.after_dataset_saved(dataset_name="metrics", data={"gcn": {"within_10": 0.97}})
    hooks.after_dataset_saved(dataset_name="history", data=HISTORY)
    hooks.after_dataset_saved(dataset_name="plain", data={"a": 1})
    hooks.after_dataset_saved(dataset_name="not in the catalog", data={"a": 1})
    assert fetched(run_id).data.metrics == {
        "metrics.gcn.within_10": 0.97,
        "loss/member_0": 0.25,
    }
    series = mlflow.MlflowClient().get_metric_history(run_id, "loss/member_0")
    assert [(m.step, m.value) for m in series] == [(1, 0.5), (2, 0.25)]


def test_files_and_folders_become_artifacts(run_id: str, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>")
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "a.csv").write_text("x")
    entries: dict[str, Any] = {
        "report": {"filepath": f"{tmp_path}/report.html", "metadata": {"mlflow": "artifact"}},
        "plots": {"path": f"{tmp_path}/plots", "metadata": {"mlflow": ["artifact"]}},
    }
    hooks = started(tmp_path, entries)
    for name in entries:
        hooks.after_dataset_saved(dataset_name=name, data="anything")
    client = mlflow.MlflowClient()
    assert {f.path for f in client.list_artifacts(run_id)} == {"report.html", "plots"}
    assert [f.path for f in client.list_artifacts(run_id, "plots")] == ["plots/a.csv"]


def test_unknown_request_names_the_entry(run_id: str, tmp_path: Path) -> None:
    hooks = started(tmp_path, {"m": {"metadata": {"mlflow": "metric"}}})
    with pytest.raises(ConfigurationError, match=r"'m' .*'metric', .*metrics, history, artifact"):
        hooks.after_dataset_saved(dataset_name="m", data={})


def test_failure_leaves_its_reason(run_id: str, tmp_path: Path) -> None:
    started(tmp_path).on_pipeline_error(error=ValueError("no such cell"))
    assert fetched(run_id).data.tags["brpnas.error"] == "no such cell"


def test_the_end_of_a_run_says_where_results_are(
    store: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = started(tmp_path, {"report": {"filepath": "out/report.html"}, "other": {}})
    made = Pipeline([node(lambda: ("", ""), None, ["report", "other"])])
    with caplog.at_level("INFO"):
        hooks.after_pipeline_run(pipeline=made)
        hooks.after_pipeline_run(pipeline=Pipeline([node(lambda: "", None, "other")]))
    assert caplog.messages == ["Report: out/report.html"]


def test_without_a_run_nothing_is_logged(store: str, tmp_path: Path) -> None:
    hooks = started(tmp_path)
    hooks.after_dataset_saved(dataset_name="metrics", data={"a": 1})
    hooks.on_pipeline_error(error=ValueError())
    assert mlflow.active_run() is None


@pytest.fixture
def context(project: Path) -> Any:
    def make(env: str | None = None, **runtime: Any) -> Any:
        loader = OmegaConfigLoader(
            str(project / "conf"),
            env=env,
            base_env="base",
            default_run_env="local",
            runtime_params=runtime,
            merge_strategy={"parameters": "soft"},
        )
        return SimpleNamespace(config_loader=loader, env=env)

    return make


def test_configuration_of_the_project_is_accepted(context: Any) -> None:
    ConfigurationHooks().after_context_created(context=context())
    ConfigurationHooks().after_context_created(context=context("latbench"))


def test_unknown_key_in_an_environment_names_its_file(context: Any, project: Path) -> None:
    file = project / "conf" / "latbench" / "parameters_train.yml"
    file.write_text("train:\n  epoch: 3\n")
    with pytest.raises(ConfigurationError, match=r"'train.epoch' in .*latbench/parameters_train"):
        ConfigurationHooks().after_context_created(context=context("latbench"))


def test_unknown_key_on_the_command_line_is_said_to_be_there(context: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"'devise' in --params\. .*'device'\?"):
        ConfigurationHooks().after_context_created(context=context(devise="x"))


@pytest.mark.parametrize(
    ("env", "given", "said"),
    [
        ("live", {}, {"device": "conf/live/parameters.yml"}),
        ("latbench", {"dataset": "mnist"}, {"dataset": "--params"}),
        (
            "latbench",
            {"device": "amd-epyc-onnxruntime-fp32-1t"},
            {"ingest.benchmarks": "conf/latbench/parameters_ingest.yml"},
        ),
        ("latbench", {"constraints": ["latency <= 5"]}, {"constraints": "--params"}),
        (
            None,
            {"search": {"oracle": {"metric": "balanced_accuracy"}}},
            {
                "search.oracle.metric": "--params",
                "search.oracle.name": "conf/base/parameters_search.yml",
            },
        ),
        (
            "live",
            {"network": {"classes": 3}},
            {"network.classes": "--params", "images.path": "conf/live/parameters.yml"},
        ),
        (
            "live",
            {"images": {"path": None}},
            {"dataset": "conf/live/parameters.yml", "images.path": "--params"},
        ),
    ],
)
def test_a_refused_run_says_where_the_keys_stand(
    context: Any,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    env: str | None,
    given: dict[str, Any],
    said: dict[str, str],
) -> None:
    monkeypatch.chdir(project)
    hooks = ConfigurationHooks()
    made = context(env, **given)
    hooks.after_context_created(context=made)
    values = made.config_loader["parameters"]
    names = ["ingest", "device", "dataset", "constraints", "search", "network"]
    inputs = [f"params:{name}" for name in names]
    pipeline = Pipeline(
        [
            node(lambda *_: 0, inputs, "out", name="n"),
            node(lambda a: a, "latency", "b", name="m"),
        ]
    )
    stored = catalog(latency=1, **{f"params:{name}": values[name] for name in names})
    with pytest.raises(BrpNasError) as caught:
        hooks.before_pipeline_run(pipeline=pipeline, catalog=stored)
    (note,) = caught.value.__notes__
    places = {
        key: place
        for keys, place in re.findall(r"([\w., ]+) (?:is|are) set in (\S+?)(?:;|\.$)", note)
        for key in keys.strip().split(", ")
    }
    assert said.items() <= places.items(), note


def test_an_error_of_a_stage_says_where_its_keys_stand(context: Any, project: Path) -> None:
    hooks = ConfigurationHooks()
    hooks.after_context_created(context=context("darts"))
    error = ConfigurationError("search.sampler.candidates draws architectures.")
    hooks.on_pipeline_error(error=error)
    assert re.findall(r"in (\S+)\.$", error.__notes__[0]) == [
        str(project / "conf" / "darts" / "parameters_search.yml")
    ]


def test_one_key_on_the_command_line_leaves_its_siblings(context: Any) -> None:
    made = context(train={"epochs": 3})
    ConfigurationHooks().after_context_created(context=made)
    train = made.config_loader["parameters"]["train"]
    assert train["epochs"] == 3
    assert train["train_rows"] == 900


def test_bad_name_stops_the_pipeline_before_it_starts(context: Any) -> None:
    hooks = ConfigurationHooks()
    hooks.after_context_created(context=context(dataset="mnist"))
    pipeline = Pipeline([node(lambda a, b: a, ["params:dataset", "table"], "out", name="n")])
    with pytest.raises(BrpNasError, match="mnist"):
        hooks.before_pipeline_run(pipeline=pipeline, catalog=catalog(**{"params:dataset": "mnist"}))


@pytest.mark.parametrize("space", ["nasbench201", "darts", "fbnet"])
def test_a_measurement_ends_with_the_next_command(
    context: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, space: str
) -> None:
    """The table is read back in the space of the run."""
    hooks = ConfigurationHooks()
    hooks.after_context_created(context=context(space=space))
    cells = get_space(space).sample(np.random.default_rng(0), 40)
    tables = DeviceTablesDataset(str(tmp_path))
    tables.save({"board": make_latency(cells, "board")})
    given = DataCatalog(
        {"measure_report": MemoryDataset({"device": "board"}), "measured_latency": tables}
    )
    made = Pipeline([node(lambda: None, None, "measured_latency", name="n")])
    with caplog.at_level("INFO"):
        hooks.after_pipeline_run(run_params={}, pipeline=made, catalog=given)
    (record,) = caplog.records
    assert "device=board" in record.getMessage()


def catalog(**more: Any) -> DataCatalog:
    return DataCatalog({name: MemoryDataset(value) for name, value in {"table": 1, **more}.items()})


def test_what_is_left_open_is_filled_in_before_the_pipeline_starts(context: Any) -> None:
    hooks = ConfigurationHooks()
    hooks.after_context_created(context=context(space="darts"))
    pipeline = Pipeline([node(lambda a, b: a, ["params:network", "table"], "out", name="n")])
    given = catalog(**{"params:network": {"channels": None}})
    hooks.before_pipeline_run(pipeline=pipeline, catalog=given)
    assert given.load("params:network")["channels"] == 36
    hooks.after_context_created(context=context(images={"path": "digits"}, network={"classes": 3}))
    with pytest.raises(ConfigurationError, match=r"classes is 3.*have classes 10"):
        hooks.before_pipeline_run(pipeline=pipeline, catalog=given)
