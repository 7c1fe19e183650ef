"""Judging and registering, with champions of known answers."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from typer.testing import CliRunner

from brpnas.cli import app
from brpnas.datasets import DeviceMetric
from brpnas.metrics import regression_metrics
from brpnas.report.device import DeviceReport
from brpnas.serving import OnnxPredictor
from pipelines.registry import promote, register
from pipelines.registry.loaded import read
from pipelines.registry.versions import RegisteredModel
from pipelines.retrain.challenger import judge_device, register_device, write_card, write_files
from pipelines.retrain.device import AdaptedDevice, ExportedPredictor
from tests.export.costs import cost_model, cost_of
from tests.pipelines.registry.toys import ARCHS, NAME, challenger, config, onnx
from tests.pipelines.retrain.toys import PARAMS

BOARD = DeviceMetric("latency_ms", "board")
LEARNT, COUNT = 80, len(ARCHS)
PREDICTOR: Any = SimpleNamespace(
    method="adapted",
    view="raw",
    rows=LEARNT,
    errors={"adapted": 0.031, "graph alone": 0.052},
    coverage=0.9,
    known=("one-board", "another"),
)
"""The interface of a predictor for judging; its answers are passed separately."""


def rows(count: int = COUNT, test: int = COUNT - LEARNT) -> pd.DataFrame:
    """The board with the sum of costs as latency; the first cells are rows to learn from."""
    split = ["learn"] * (count - test) + ["test"] * test
    return pd.DataFrame(
        {"arch_id": ARCHS[:count], "latency_ms": cost_of(ARCHS[:count]), "split": split}
    )


def answers(table: pd.DataFrame, factor: float = 1.02) -> pd.DataFrame:
    test = table[table["split"] == "test"].reset_index(drop=True)
    predicted = test["latency_ms"] * factor
    return pd.DataFrame(
        {
            "arch_id": test["arch_id"],
            "true": test["latency_ms"],
            "predicted": predicted,
            "lower": predicted * 0.97,
            "upper": predicted * 1.1,
        }
    )


def judged(table: pd.DataFrame | None = None, factor: float = 1.02) -> DeviceReport:
    table = rows() if table is None else table
    adapted = AdaptedDevice(BOARD, PREDICTOR, known=False, transfer="")
    return judge_device(adapted, table, answers(table, factor))


def exported(onnx: bytes) -> ExportedPredictor:
    return ExportedPredictor(onnx, 1e-7, PARAMS["tolerance"])


def changed(report: DeviceReport, **figures: Any) -> DeviceReport:
    return replace(report, figures={**report.figures, **figures})


def crown(content: bytes | None = None, **changed: Any) -> None:
    """Make a predictor champion, however bad it is."""
    version = register(challenger(onnx=content, **changed))
    MlflowClient().set_registered_model_alias(NAME, "champion", version)


@pytest.mark.usefixtures("store")
class TestJudge:
    def test_alone(self) -> None:
        report = judged()
        figures, theirs = report.figures, report.champion
        assert figures["rows"] == {"learn": LEARNT, "test": COUNT - LEARNT}
        assert (figures["model"], figures["known_devices"]) == (NAME, ["one-board", "another"])
        assert figures["challenger"]["mape"] == pytest.approx(0.02)
        assert figures["challenger"]["coverage"] == 1.0
        assert (figures["champion"], figures["data_drift"], figures["changes"]) == (None, None, [])
        assert theirs.empty
        assert list(theirs) == list(answers(rows()))

    def test_figures_tell_a_prior_that_learnt_from_the_device_and_other_sizes(self) -> None:
        adapted = AdaptedDevice(BOARD, PREDICTOR, known=True, transfer="Of another size.")
        figures = judge_device(adapted, rows(), answers(rows())).figures
        assert (figures["prior_knows_device"], figures["transfer"]) == (True, "Of another size.")
        assert (figures["device"], figures["coverage"]) == ("board", PREDICTOR.coverage)

    def test_a_challenger_in_waiting_is_no_champion(self) -> None:
        register(challenger())
        assert judged().figures["champion"] is None

    def test_beside_the_champion_on_the_same_rows(self) -> None:
        crown(onnx(0.1, margin=0.2), rows=rows(100))
        report = judged()
        figures, theirs = report.figures, report.champion
        test = rows()[LEARNT:]
        assert theirs["arch_id"].tolist() == test["arch_id"].tolist()
        expected = regression_metrics(theirs["predicted"], test["latency_ms"])
        assert figures["champion"] == pytest.approx(expected | {"coverage": 1.0})
        assert figures["champion_version"] == "1"

    def test_what_is_new_since_the_champion_was_made(self) -> None:
        crown(onnx(0.1), rows=rows(90, test=10))
        slower = rows()
        slower.loc[5, "latency_ms"] *= 1.3
        data_drift = judged(slower).figures["data_drift"]
        assert data_drift["rows"]["added"] == COUNT - 90
        assert data_drift["rows"]["remeasured"] == 1
        assert data_drift["values"]["remeasured_median_ratio"] == pytest.approx(1.3)
        assert data_drift["error"]["test_before"]["rows"] == 10

    def test_a_champion_of_another_kind_has_no_rows_and_no_intervals(self) -> None:
        crown(onnx(0.1))
        report = judged()
        figures, theirs = report.figures, report.champion
        assert "coverage" not in figures["champion"]
        assert "lower" not in theirs
        assert (figures["data_drift"], figures["changes"]) == (None, [])

    def test_without_test_rows_what_is_new_is_told_nevertheless(self) -> None:
        crown(onnx(0.1), rows=rows(60, test=20))
        report = judged(rows(test=0))
        figures = report.figures
        assert (figures["challenger"], figures["champion"]) == (None, None)
        assert report.champion.empty
        assert f"{COUNT - 60} added" in figures["changes"][0]

    def test_a_broken_champion_stands_in_nobodys_way(self) -> None:
        crown(cost_model([np.nan] * 9), rows=rows(60, test=20))
        report = judged()
        figures = report.figures
        assert (figures["champion"], figures["champion_version"]) == (None, "1")
        assert report.champion.empty
        assert f"brpnas rollback {NAME}" in figures["changes"][0]
        assert figures["data_drift"]["error"]["test_before"] is None


@pytest.mark.usefixtures("store")
def test_card_says_what_it_was_learnt_from() -> None:
    file, report = exported(onnx(0.05)), judged()
    card = write_card(file, report, rows())
    for text in (
        "# Latency predictor ",
        f" {LEARNT} measured cells ",
        "2 other devices (one-board, another)",
        f" {COUNT - LEARNT} test rows",
        " 90% ",
        "out, graph alone",
        "mape (test)",
        ARCHS[0],
    ):
        assert text in card
    assert "earlier rows" not in card
    known = changed(report, prior_knows_device=True)
    assert "earlier rows" in write_card(file, known, rows())
    told = changed(report, transfer="Transfer: sizes.")
    assert "- Transfer: sizes." in write_card(file, told, rows())
    assert "Transfer" not in card
    without = write_card(file, judged(rows(test=0)), rows())
    assert " 0 test rows" in without
    assert "mape (test)" not in without


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("view", ["raw", "both"])
def test_examples_of_the_card_run_as_typed(
    view: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = onnx(0.05, view=view)
    card = write_card(exported(content), judged(), rows())
    (tmp_path / "predictor.onnx").write_bytes(content)
    expected = OnnxPredictor(content).predict([rows()["arch_id"].iloc[0]])["latency_ms"][0]
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    exec(code, {})
    (said,) = re.findall(r"latency_ms \[([\d.e+-]+)\]", capsys.readouterr().out)
    assert float(said) == pytest.approx(expected, rel=1e-4)
    (command,) = re.findall(r"`brpnas (predict [^`]*)`", card)
    done = CliRunner().invoke(app, shlex.split(command))
    assert done.exit_code == 0, done.output
    assert f"{expected:.4f}" in done.stdout


@pytest.mark.usefixtures("store")
def test_few_test_rows_are_no_proof() -> None:
    card = write_card(exported(onnx(0.05)), judged(rows(test=2)), rows())
    assert "| spearman, 90 % interval (test) | -1.00 to 1.00 |" in card


@pytest.mark.usefixtures("store")
def test_files_hold_what_was_found() -> None:
    report = judged()
    model, pages = write_files(exported(b"onnx"), "# Card ±", report, rows())
    assert list(model) == list(pages) == ["board"]
    assert model["board"]["predictor.onnx"] == b"onnx"
    assert model["board"]["README.md"].decode() == "# Card ±"
    assert model["board"]["rows.csv"].decode().splitlines()[0] == "arch_id,latency_ms,split"
    assert len(model["board"]["rows.csv"].splitlines()) == COUNT + 1
    assert json.loads(pages["board"]["metrics.json"]) == report.figures
    assert pages["board"]["report.md"].startswith(b"# ")
    assert pages["board"]["plot.png"].startswith(b"\x89PNG")


@pytest.mark.usefixtures("store")
class TestRegister:
    def register(self, folder: Path, table: pd.DataFrame | None = None) -> dict[str, Any]:
        table = rows() if table is None else table
        (folder / "report.md").write_text("# Report\n")
        report = judged(table, 1.0)
        return register_device(exported(onnx(0.0)), "# Card\n", report, table, {"board": folder})

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        found = tmp_path / "pages"
        found.mkdir()
        return found

    def test_as_challenger_with_its_rows(self, folder: Path) -> None:
        assert self.register(folder)["version"] == "1"
        kept = read(RegisteredModel(NAME), "1")
        assert kept.rows is not None
        pd.testing.assert_frame_equal(kept.rows, rows())
        assert len(kept.test) == COUNT - LEARNT
        tags = kept.version.tags
        assert tags["brpnas.method"] == "adapted"
        assert tags["brpnas.rows"] == str(COUNT)
        assert float(tags["brpnas.metric.within_10"]) == 1
        assert RegisteredModel(NAME).aliases == {"challenger": "1"}
        assert promote(NAME, config()).verdict == "promoted"
        assert self.register(folder)["version"] == "2"
        assert RegisteredModel(NAME).aliases == {"challenger": "2", "champion": "1"}

    def test_the_report_lies_beside_it_in_the_run(self, folder: Path) -> None:
        with mlflow.start_run() as run:
            self.register(folder)
        assert read(RegisteredModel(NAME), "1").version.run_id == run.info.run_id
        uri = f"runs:/{run.info.run_id}/retrain/board/report.md"
        assert mlflow.artifacts.load_text(uri) == "# Report\n"

    def test_without_test_rows_it_is_registered_and_refused(self, folder: Path) -> None:
        assert self.register(folder, rows(test=0))["version"] == "1"
        decision = promote(NAME, config())
        assert decision.verdict == "refused"
        assert "test rows" in decision.reasons[0]

    def test_how_to_go_on_is_said(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level("INFO"):
            self.register(folder)
        assert f"brpnas promote {NAME}" in caplog.text
