"""The nodes as functions: registered versions of exported files, and their test rows."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import DeviceMetric, held_out, mean_accuracy, rows_of
from brpnas.errors import ConfigurationError
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import kendall, regression_metrics, spearman
from pipelines.promote.nodes import (
    decide_champions,
    register_accuracy,
    register_predictors,
    score_test_cells,
)
from pipelines.registry.loaded import LoadedVersion, read
from pipelines.registry.versions import RegisteredModel
from tests.export.costs import cost_model
from tests.pipelines.promote.toys import CARD, PARITY, SHARE, inputs

pytestmark = pytest.mark.usefixtures("store")
MODELS = ["latency-board", "energy-board"]


@pytest.fixture
def values(small_graphs: SpaceGraphs) -> dict[str, Any]:
    return inputs(small_graphs)


def latency(values: dict[str, Any], **changed: Any) -> LoadedVersion:
    v = values | changed
    names = register_predictors(v["predictors_onnx"], v["predictions"], PARITY, CARD, SHARE)
    assert names == MODELS
    name = "latency-board"
    return read(RegisteredModel(name), RegisteredModel(name).aliases["challenger"])


def of_latency(values: dict[str, Any]) -> pd.DataFrame:
    return rows_of(values["predictions"], DeviceMetric("latency_ms", "board"))


def accuracy(values: dict[str, Any], **changed: Any) -> LoadedVersion:
    v = values | changed
    answers = score_test_cells(
        v["ranker"], v["space_graphs"], v["accuracy"], v["search_result"], SHARE
    )
    name = register_accuracy(v["ranker_onnx"], answers, v["search_result"], PARITY, CARD)
    assert name == "accuracy-toys"
    return read(RegisteredModel(name), RegisteredModel(name).aliases["challenger"])


class TestLatency:
    def test_test_rows_are_those_that_always_are(self, values: dict[str, Any]) -> None:
        table = of_latency(values)
        made = latency(values)
        expected = table[held_out(table["arch_id"].tolist(), SHARE)]
        assert made.test["arch_id"].tolist() == expected["arch_id"].tolist()
        assert made.test["true"].tolist() == expected["measured"].tolist()
        assert made.test["predicted"].tolist() == expected["predicted"].tolist()
        figures = regression_metrics(made.test["predicted"], made.test["true"])
        tags = made.version.tags
        assert float(tags["brpnas.metric.mape"]) == pytest.approx(figures["mape"], rel=1e-4)

    def test_cells_that_were_not_measured_are_no_rows(self, values: dict[str, Any]) -> None:
        table = values["predictions"].copy()
        gone = table["arch_id"].unique()[::3]
        table.loc[table["arch_id"].isin(gone), "measured"] = np.nan
        table["split"] = np.where(table.index % 2, "train", "test")
        made = latency(values, predictions=table)
        left = set(table["arch_id"]) - set(gone)
        assert made.rows is not None
        assert set(made.rows["arch_id"]) == left
        assert list(made.rows) == ["arch_id", "latency_ms", "split"]
        assert set(made.test["arch_id"]) <= left
        assert made.version.tags["brpnas.rows"] == str(len(left))

    def test_without_test_rows_it_is_registered(self, values: dict[str, Any]) -> None:
        table = values["predictions"]
        learn = table[~held_out(table["arch_id"].tolist(), SHARE)]
        assert latency(values, predictions=learn).test.empty


class TestOtherMetrics:
    def test_each_is_a_model_of_its_own(self, values: dict[str, Any]) -> None:
        latency(values)
        model = RegisteredModel("energy-board")
        made = read(model, model.aliases["challenger"])
        energy = rows_of(values["predictions"], DeviceMetric("energy_mj", "board"))
        held = energy[held_out(energy["arch_id"].tolist(), SHARE)]
        assert made.test["true"].tolist() == held["measured"].tolist()
        assert made.predictor.value == "energy_mj"
        served = made.predictor.predict(held["arch_id"].tolist())
        np.testing.assert_allclose(served["energy_mj"], held["predicted"], rtol=1e-6)
        assert made.rows is not None
        assert list(made.rows) == ["arch_id", "energy_mj", "split"]
        tags = made.version.tags
        assert (tags["brpnas.kind"], float(tags["brpnas.parity"])) == ("energy", 2e-7)


class TestAccuracy:
    def test_it_is_judged_by_mean_test_accuracy(
        self, values: dict[str, Any], small_graphs: SpaceGraphs
    ) -> None:
        one = values["accuracy"]
        more = one.assign(seed=pd.array([1] * len(one), dtype="Int64"), accuracy=one["accuracy"])
        more["accuracy"] += 0.02
        valid = one.assign(split="valid", accuracy=0.1)
        other = one.assign(dataset="others", accuracy=0.1)
        table = pd.concat([one, more, valid, other], ignore_index=True)
        made = accuracy(values, accuracy=table)
        means = mean_accuracy(table, "toys", "test")
        kept = held_out(list(small_graphs.arch_ids), SHARE).sum()
        assert len(made.test) == kept
        np.testing.assert_allclose(made.test["true"], means[made.test["arch_id"]])
        both = made.test["predicted"], made.test["true"]
        tags = made.version.tags
        assert float(tags["brpnas.metric.spearman"]) == pytest.approx(spearman(*both), rel=1e-4)
        assert float(tags["brpnas.metric.kendall"]) == pytest.approx(kendall(*both), rel=1e-4)

    def test_what_is_served_scores_as_the_ranker(self, values: dict[str, Any]) -> None:
        made = accuracy(values)
        served = made.predictor.predict(made.test["arch_id"].tolist())
        np.testing.assert_allclose(served["score"], made.test["predicted"], rtol=1e-5)

    @pytest.mark.parametrize("left", ["nothing", "validation alone"])
    def test_without_a_table_it_has_no_test_rows(self, values: dict[str, Any], left: str) -> None:
        table = values["accuracy"]
        table = table.head(0) if left == "nothing" else table.assign(split="valid")
        assert accuracy(values, accuracy=table).test.empty


class TestDecide:
    def test_each_model_gets_its_decision(
        self, values: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        latency(values)
        accuracy(values, ranker_onnx=cost_model([1.0] * 9, value="score"))
        with caplog.at_level("INFO"):
            found = decide_champions(MODELS, "accuracy-toys", values["params:promote"])
        verdicts = {name: decision["verdict"] for name, decision in found.items()}
        assert verdicts == dict.fromkeys(MODELS, "promoted") | {"accuracy-toys": "refused"}
        assert re.search(r"accuracy-toys: refused\b.*ONNX.*torch", caplog.text)
        assert "champion" not in RegisteredModel("accuracy-toys").aliases

    def test_parameters_are_checked(self, values: dict[str, Any]) -> None:
        wrong = values["params:promote"] | {"confidance": 0.9}
        with pytest.raises(ConfigurationError, match=r"'confidance'.* 'confidence'\?"):
            decide_champions(MODELS, "accuracy-toys", wrong)
