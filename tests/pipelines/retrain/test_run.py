"""The stage as a whole: a device arrives, becomes champion, grows, and is judged again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from mlflow.tracking import MlflowClient

from brpnas.datasets import held_out, read_embedded_latency
from brpnas.errors import IntakeError, UnknownNameError
from brpnas.predictors.transfer import shipped_prior
from brpnas.promotion import Decision
from brpnas.serving import OnnxPredictor
from brpnas.spaces import get_space
from pipelines.datasets import (
    DeviceCatalogueDataset,
    DeviceFilesDataset,
    DeviceFoldersDataset,
    DevicePriorDataset,
    DeviceTablesDataset,
    JSONDataset,
)
from pipelines.registry import promote
from pipelines.retrain import create_pipeline
from tests.pipelines.registry.conftest import using
from tests.pipelines.registry.toys import config
from tests.pipelines.retrain.toys import PARAMS, QUICK, SHARE, SHIPPED, table

LENIENT = config(min_spearman=0.5, min_within_10=0.0, min_test_rows=10, max_calibration_error=1.0)


def retrain(workspace: Path, device: str = "board", **changed: Any) -> dict[str, Any]:
    """Run the stage; its outputs are below the workspace."""
    catalog = DataCatalog(
        {
            "device_files": DeviceFilesDataset(str(workspace / "devices")),
            "measured_latency": DeviceTablesDataset(str(workspace / "measured")),
            "measured_devices": DeviceCatalogueDataset(str(workspace / "measured" / "devices.yml")),
            "device_prior": DevicePriorDataset(workspace / "prior.safetensors"),
            "device_models": DeviceFoldersDataset(str(workspace / "models")),
            "device_pages": DeviceFoldersDataset(str(workspace / "pages")),
            "retrain_report": JSONDataset(filepath=str(workspace / "report.json")),
            "params:device": MemoryDataset(device),
            "params:space": MemoryDataset("nasbench201"),
            "params:test_share": MemoryDataset(SHARE),
            "params:retrain": MemoryDataset(PARAMS),
            "params:adaptation": MemoryDataset(QUICK | changed),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    done: dict[str, Any] = json.loads((workspace / "report.json").read_text())
    return done


class Story:
    """History of a device: 80 rows, a promotion, then 130 rows; the new ones are slower."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        (workspace / "devices").mkdir()
        file = workspace / "devices" / "board.csv"
        table(80).to_csv(file, index=False)
        self.first = retrain(workspace)
        self.decision: Decision = promote("latency-board", LENIENT)
        grown = table(130)
        grown.loc[80:, "latency_ms"] *= 1.5
        grown.loc[0, "latency_ms"] *= 1.1
        grown.to_csv(file, index=False)
        self.second = retrain(workspace)
        self.page = (workspace / "pages" / "board" / "report.md").read_text()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("retrain")
    with using(empty_database, folder):
        yield Story(folder)


def test_the_first_version_is_registered_and_may_become_champion(story: Story) -> None:
    assert (story.first["version"], story.first["champion"]) == ("1", None)
    assert story.decision.verdict == "promoted"
    client = MlflowClient()
    assert int(client.get_model_version_by_alias("latency-board", "champion").version) == 1
    assert int(client.get_model_version_by_alias("latency-board", "challenger").version) == 2


def test_it_is_good_and_tested_on_cells_that_it_has_not_seen(story: Story) -> None:
    held = held_out(table(80)["arch_id"].tolist(), SHARE)
    assert story.first["rows"] == {"learn": int((~held).sum()), "test": int(held.sum())}
    assert story.first["challenger"]["spearman"] > 0.9
    assert set(story.first["errors_left_out"]) == {"adapted", "graph alone"}


def test_what_is_new_is_told(story: Story) -> None:
    data_drift = story.second["data_drift"]
    assert data_drift["rows"] == {
        "before": 80,
        "now": 130,
        "added": 50,
        "removed": 0,
        "remeasured": 1,
    }
    assert data_drift["error"]["added"]["mape"] > 2 * data_drift["error"]["test_before"]["mape"]
    assert data_drift["error"]["added_harder_p_value"] < 0.01
    assert "50 added" in story.page
    assert "significantly worse" in story.page


def test_both_are_judged_on_the_same_rows(story: Story) -> None:
    assert story.second["champion_version"] == "1"
    assert set(story.second["champion"]) == set(story.second["challenger"])
    assert story.second["champion"] != story.second["challenger"]
    assert "| challenger | champion | difference |" in story.page


def test_files_of_the_device(story: Story) -> None:
    models = story.workspace / "models" / "board"
    assert {f.name for f in models.iterdir()} == {"predictor.onnx", "README.md", "rows.csv"}
    assert len(pd.read_csv(models / "rows.csv")) == 130
    assert re.search(r"^# .*\bboard$", (models / "README.md").read_text(), re.MULTILINE)
    pages = {f.name for f in (story.workspace / "pages" / "board").iterdir()}
    assert pages == {"report.md", "plot.png", "metrics.json"}


def test_the_size_of_the_networks_is_the_one_that_train_takes(story: Story) -> None:
    """Else the predictor that is registered is not the one that a search uses."""
    models = story.workspace / "models" / "board"
    rows = pd.read_csv(models / "rows.csv")
    published = get_space("nasbench201").published.size
    assert set(rows["network_size"]) == {published}
    assert OnnxPredictor((models / "predictor.onnx").read_bytes()).metadata["network_size"] == (
        published
    )


def test_what_is_registered_answers_with_intervals(story: Story) -> None:
    model = mlflow.pyfunc.load_model("models:/latency-board@challenger")
    cells = table(5)["arch_id"].tolist()
    answers = model.predict(cells)
    assert list(answers["arch_id"]) == cells
    assert (answers["lower_ms"] < answers["latency_ms"]).all()
    assert (answers["latency_ms"] < answers["upper_ms"]).all()


def test_a_table_that_is_refused_leaves_nothing(story: Story) -> None:
    before = {f: f.read_bytes() for f in story.workspace.rglob("*") if f.suffix in (".json", ".md")}
    (story.workspace / "devices" / "wrong.csv").write_text(
        table(30).assign(latency_ms=-1.0).to_csv(index=False)
    )
    with pytest.raises(IntakeError, match="negative"):
        retrain(story.workspace, "wrong")
    assert {f: f.read_bytes() for f in before} == before
    assert not (story.workspace / "models" / "wrong").exists()
    assert not MlflowClient().search_registered_models("name = 'latency-wrong'")


def test_unknown_device_suggests_one(story: Story) -> None:
    with pytest.raises(UnknownNameError, match=r"'bord'.* 'board'\?"):
        retrain(story.workspace, "bord")


def test_without_test_rows_it_is_registered_and_not_promoted(story: Story) -> None:
    rows = table(60)
    learn = rows[~held_out(rows["arch_id"].tolist(), SHARE)].head(15)
    learn.to_csv(story.workspace / "devices" / "few.csv", index=False)
    found = retrain(story.workspace, "few")
    assert found["rows"] == {"learn": 15, "test": 0}
    assert found["challenger"] is None
    page = (story.workspace / "pages" / "few" / "report.md").read_text()
    assert "0 test rows" in page
    decision = promote("latency-few", LENIENT)
    assert decision.verdict == "refused"
    assert any("test rows" in reason for reason in decision.reasons)


def test_a_device_that_the_prior_knows_is_not_used(story: Story) -> None:
    measured = read_embedded_latency(SHIPPED).head(40)
    DeviceTablesDataset(str(story.workspace / "measured")).save({SHIPPED: measured})
    found = retrain(story.workspace, SHIPPED)
    assert set(found["known_devices"]) == set(shipped_prior("nasbench201").devices) - {SHIPPED}
    assert found["prior_knows_device"], "and the card says so"
    assert np.isfinite(found["challenger"]["mape"])


def test_one_test_row_is_no_correlation_and_no_crash(story: Story) -> None:
    rows = table(130)
    held = held_out(rows["arch_id"].tolist(), SHARE)
    few = pd.concat([rows[~held].head(12), rows[held].head(1)])
    few.to_csv(story.workspace / "devices" / "one.csv", index=False)
    for _ in range(2):
        found = retrain(story.workspace, "one")
        assert found["rows"] == {"learn": 12, "test": 1}
        MlflowClient().set_registered_model_alias("latency-one", "champion", found["version"])
    page = (story.workspace / "pages" / "one" / "report.md").read_text()
    assert "| Spearman | none | none |  |" in page
    assert "nan" not in page
    metrics = (story.workspace / "pages" / "one" / "metrics.json").read_text()
    assert "NaN" not in metrics
