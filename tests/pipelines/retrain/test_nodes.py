"""The nodes as functions, on tables with known results."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import MEASURED, held_out, read_embedded_latency
from brpnas.errors import ConfigurationError, IntakeError, ParityError, SchemaError
from brpnas.export import export_device_predictor
from brpnas.metrics import spearman
from brpnas.predictors.transfer import DevicePredictor, DevicePrior, shipped_prior
from brpnas.serving import OnnxPredictor
from brpnas.spaces import get_space
from pipelines.datasets import DeviceFilesDataset
from pipelines.retrain.device import AdaptedDevice
from pipelines.retrain.nodes import (
    adapt_device,
    answer_rows,
    export_device,
    read_device,
    split_device,
)
from tests.pipelines.retrain.toys import PARAMS, QUICK, SHARE, table
from tests.pipelines.toys import make_latency


@pytest.fixture(scope="module")
def prior() -> DevicePrior:
    return shipped_prior("nasbench201")


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return split_device(table(60), "board", SHARE, PARAMS)


@pytest.fixture(scope="module")
def adapted(rows: pd.DataFrame, prior: DevicePrior) -> AdaptedDevice:
    return adapt_device(rows, prior, "board", QUICK)


@pytest.fixture(scope="module")
def predictor(adapted: AdaptedDevice) -> DevicePredictor:
    return adapted.predictor


class TestRead:
    def read(self, folder: Path, device: str = "board", **changed: Any) -> pd.DataFrame:
        files = DeviceFilesDataset(str(folder)).load()
        cells = table(20)["arch_id"].tolist()
        measured = {"mine": lambda: make_latency(cells, "mine"), "none": lambda: table(5)}
        return read_device(files, measured, device, "nasbench201", PARAMS | changed)

    def test_a_file_and_its_report(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        table(20).to_csv(tmp_path / "board.csv", index=False)
        with caplog.at_level(logging.INFO):
            found = self.read(tmp_path)
        assert len(found) == 20
        assert "board: 20 cells" in caplog.text

    def test_limits_are_those_of_the_stage(self, tmp_path: Path) -> None:
        table(20).to_csv(tmp_path / "board.csv", index=False)
        with pytest.raises(IntakeError, match="30"):
            self.read(tmp_path, least_rows=30)
        slow = table(20).assign(latency_ms=lambda rows: rows["latency_ms"] * 400)
        slow.to_csv(tmp_path / "board.csv", index=False)
        with pytest.raises(IntakeError, match="unit"):
            self.read(tmp_path)
        assert len(self.read(tmp_path, unit_check=False)) == 20

    def test_what_the_stage_measure_left(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, "mine")["device"].unique().tolist() == ["mine"]
        with pytest.raises(SchemaError, match=r"\bnone in 01_raw/measured"):
            self.read(tmp_path, "none")

    def test_a_file_that_was_brought_comes_first(self, tmp_path: Path) -> None:
        table(12).to_csv(tmp_path / "mine.csv", index=False)
        assert len(self.read(tmp_path, "mine")) == 12


class TestSplit:
    def test_a_hash_decides(self, rows: pd.DataFrame) -> None:
        assert rows.columns.tolist() == ["arch_id", "latency_ms", "split"]
        held = held_out(rows["arch_id"].tolist(), SHARE)
        assert (rows["split"] == np.where(held, "test", "learn")).all()
        assert 0 < held.sum() < len(rows) / 2

    def test_neither_the_order_nor_more_rows_change_it(self, rows: pd.DataFrame) -> None:
        shuffled = table(60).sample(frac=1, random_state=1)
        assert split_device(shuffled, "board", SHARE, PARAMS).equals(rows)
        more = split_device(table(100), "board", SHARE, PARAMS).set_index("arch_id")
        assert more.loc[rows["arch_id"], "split"].tolist() == rows["split"].tolist()


class TestOtherMetrics:
    def test_peak_memory_is_learnt_and_served_in_its_unit(self, prior: DevicePrior) -> None:
        measured = read_embedded_latency("amd-epyc-ncnn-fp32-1t").head(60)
        params = PARAMS | {"metric": "peak_memory_mib"}
        rows = split_device(measured, "mine", SHARE, params)
        assert [name for name in rows if name in MEASURED] == ["peak_memory_mib"]
        found = adapt_device(rows, prior, "mine", QUICK)
        assert (str(found.metric), found.folder) == ("peak_memory_mib@mine",) * 2
        answers = answer_rows(found, rows)
        true = measured.set_index("arch_id").loc[answers["arch_id"], "peak_memory_mib"]
        assert answers["true"].tolist() == true.tolist()
        np.testing.assert_allclose(answers["predicted"], answers["true"], rtol=0.15)
        served = OnnxPredictor(export_device(found, params).onnx)
        assert served.outputs == ("peak_memory_mib", "lower_mib", "upper_mib")
        said = served.predict(answers["arch_id"].tolist())
        np.testing.assert_allclose(said["peak_memory_mib"], answers["predicted"], rtol=1e-4)

    def test_a_metric_that_the_table_lacks(self) -> None:
        params = PARAMS | {"metric": "energy_mj"}
        with pytest.raises(ConfigurationError, match=r"'energy_mj'.* board .*latency_ms"):
            split_device(table(20), "board", SHARE, params)


class TestAdapt:
    def test_test_rows_are_not_looked_at(
        self, rows: pd.DataFrame, prior: DevicePrior, predictor: DevicePredictor
    ) -> None:
        hidden = rows.copy()
        hidden.loc[hidden["split"] == "test", "latency_ms"] = 99.0
        again = adapt_device(hidden, prior, "board", QUICK).predictor
        graphs = get_space("nasbench201").graphs()
        np.testing.assert_array_equal(again.predict(graphs), predictor.predict(graphs))

    def test_what_is_known_of_the_device_itself_is_not_used(
        self, rows: pd.DataFrame, prior: DevicePrior
    ) -> None:
        found = adapt_device(rows, prior, "pixel3", QUICK)
        assert found.known
        assert set(found.predictor.known) == set(prior.devices) - {"pixel3"}
        assert len(prior.features.columns) == len(prior.devices), "the prior stays as it was"

    def test_networks_take_part_where_there_are_rows(
        self, rows: pd.DataFrame, prior: DevicePrior, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("brpnas.predictors.transfer.device._pays", lambda *_: True)
        network = QUICK["network"] | {"hidden": 8, "layers": 2, "epochs": 2}
        settings = QUICK | {"network_rows": 20, "folds": 2, "network": network}
        found = adapt_device(rows, prior, "board", settings).predictor
        assert {"network", "adapted + network"} <= set(found.errors)
        assert found.method == min(found.errors, key=lambda name: found.errors[name])

    def test_too_few_rows_to_learn_from(self, rows: pd.DataFrame, prior: DevicePrior) -> None:
        few = rows[rows["split"] == "test"].head(10)
        with pytest.raises(ConfigurationError, match=r" 10 measured cells .*\b10 .*\b0 .*\b5\b"):
            adapt_device(few, prior, "board", QUICK)

    def test_parameters_are_checked(self, rows: pd.DataFrame, prior: DevicePrior) -> None:
        with pytest.raises(ConfigurationError, match=r"'coverige'.* 'coverage'\?"):
            adapt_device(rows, prior, "board", QUICK | {"coverige": 0.9})


def test_answers_are_of_test_rows_alone(rows: pd.DataFrame, adapted: AdaptedDevice) -> None:
    found = answer_rows(adapted, rows)
    test = rows[rows["split"] == "test"]
    assert found["arch_id"].tolist() == test["arch_id"].tolist()
    assert found["true"].tolist() == test["latency_ms"].tolist()
    assert (found["lower"] < found["predicted"]).all()
    assert (found["predicted"] < found["upper"]).all()
    assert spearman(found["predicted"], found["true"]) > 0.9


def test_without_test_rows_there_are_no_answers(rows: pd.DataFrame, adapted: AdaptedDevice) -> None:
    found = answer_rows(adapted, rows[rows["split"] == "learn"])
    assert (len(found), list(found)) == (0, ["arch_id", "true", "predicted", "lower", "upper"])


class TestExport:
    def test_the_file_answers_strings_as_torch_does(
        self, rows: pd.DataFrame, adapted: AdaptedDevice
    ) -> None:
        exported = export_device(adapted, PARAMS)
        assert 0 <= exported.error <= exported.tolerance == PARAMS["tolerance"]
        served = OnnxPredictor(exported.onnx)
        expected = answer_rows(adapted, rows)
        said = served.predict(expected["arch_id"].tolist())
        names = {"latency_ms": "predicted", "lower_ms": "lower", "upper_ms": "upper"}
        for name, column in names.items():
            np.testing.assert_allclose(said[name], expected[column], rtol=1e-4)
        assert {k: served.metadata[k] for k in ("device", "coverage", "view", "learnt_rows")} == {
            "device": "board",
            "coverage": "0.9",
            "view": "both",
            "learnt_rows": str(adapted.predictor.rows),
        }

    def test_one_that_answers_otherwise_is_refused(
        self, adapted: AdaptedDevice, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def strict(*arguments: Any, **options: Any) -> float:
            options |= {"tolerance": 0.0, "exporter": "torchscript"}
            return export_device_predictor(*arguments, **options)

        monkeypatch.setattr("pipelines.retrain.nodes.export_device_predictor", strict)
        with pytest.raises(ParityError):
            export_device(adapted, PARAMS)
