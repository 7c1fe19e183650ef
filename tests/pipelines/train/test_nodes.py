from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import DeviceMetric, held_out, list_architectures
from brpnas.errors import BudgetError, ConfigurationError
from brpnas.graphs import DEVICE_VIEWS, SpaceGraphs
from brpnas.metrics import regression_metrics, share_interval, spearman_interval
from brpnas.predictors import MetricModel, MetricPredictor
from brpnas.predictors.transfer import DevicePredictor, DevicePrior, shipped_prior
from brpnas.spaces import get_space
from pipelines.retrain.nodes import adapt_device, split_device
from pipelines.train.nodes import (
    predict_baselines,
    predict_metrics,
    score_predictors,
    split_rows,
    train_predictors,
)
from pipelines.train.score import describe_score, scored_rows
from pipelines.train.targets import Targets
from tests.pipelines.parameters import base
from tests.pipelines.retrain.toys import QUICK, table
from tests.pipelines.toys import SMALL, make_latency, make_operations

PARAMS: dict[str, Any] = base(
    "train",
    **{"members": 2, "hidden": 8, "layers": 2, "epochs": 2, "batch_size": 16, "patience": 2},
    **{"train_rows": 60, "valid_rows": 20, "workers": 1},
)
SHARE = 0.2
TOY = "latency_ms@toy-device"
Partitions = dict[str, Callable[[], pd.DataFrame]]
ADAPTATION = QUICK


@cache
def prior() -> DevicePrior:
    return shipped_prior("nasbench201")


@cache
def no_prior() -> DevicePrior:
    """A prior of another space, without use here."""
    return replace(prior(), space="darts")


def split(
    latency: Partitions,
    params: Mapping[str, Any],
    known: DevicePrior | None = None,
    device: str = "toy-device",
) -> pd.DataFrame:
    targets = Targets("nasbench201", (DeviceMetric("latency_ms", device),))
    return split_rows(targets, latency, known or no_prior(), SHARE, params)


def trained_on(
    graphs: SpaceGraphs, rows: pd.DataFrame, params: Mapping[str, Any]
) -> tuple[Any, pd.DataFrame]:
    predictors, history = train_predictors(graphs, rows, no_prior(), params, ADAPTATION)
    return predictors[TOY], history


def predict(
    predictor: MetricModel, graphs: SpaceGraphs, rows: pd.DataFrame, name: str = TOY
) -> pd.DataFrame:
    return predict_metrics({name: predictor}, graphs, rows)


def score(
    predictor: MetricModel,
    graphs: SpaceGraphs,
    table: pd.DataFrame,
    baselines: pd.DataFrame,
    known: DevicePrior | None = None,
    name: str = TOY,
) -> dict[str, Any]:
    found = score_predictors({name: predictor}, graphs, table, baselines, PARAMS, known)
    assert list(found) == [name]
    return found[name]


@pytest.fixture(scope="module")
def latency(small_graphs: SpaceGraphs) -> Partitions:
    table = make_latency(small_graphs.arch_ids[:110], "toy-device")
    table = table.assign(network_size=SMALL.size, precision="int8")
    return {"toy-device": lambda: table}


@pytest.fixture(scope="module")
def trained(latency: Partitions, small_graphs: SpaceGraphs) -> MetricPredictor:
    rows = split(latency, PARAMS)
    predictor, _ = trained_on(small_graphs, rows, PARAMS | {"view": "raw", "members": 1})
    assert isinstance(predictor, MetricPredictor)
    return predictor


def test_splits_have_their_sizes_and_do_not_meet(latency: Partitions) -> None:
    rows = split(latency, PARAMS)
    assert rows["split"].value_counts().to_dict() == {"train": 60, "test": 30, "valid": 20}
    assert rows["arch_id"].is_unique
    assert rows.equals(split(latency, PARAMS))
    assert not rows.equals(split(latency, PARAMS | {"seed": 1}))


def test_split_does_not_depend_on_the_order_of_the_file(latency: Partitions) -> None:
    shuffled = latency["toy-device"]().sample(frac=1, random_state=1)
    assert split(latency, PARAMS).equals(split({"toy-device": lambda: shuffled}, PARAMS))


def test_no_row_left_to_test_on(latency: Partitions) -> None:
    with pytest.raises(BudgetError, match=r"= 110 .*toy-device has 110"):
        split(latency, PARAMS | {"train_rows": 90})


def test_cells_that_are_held_out_are_never_learnt_from(latency: Partitions) -> None:
    for seed in range(3):
        rows = split(latency, PARAMS | {"seed": seed})
        held = rows[held_out(rows["arch_id"].tolist(), SHARE)]
        assert len(held) > 10
        assert set(held["split"]) == {"test"}
    count = len(held)
    with pytest.raises(BudgetError, match=rf"toy-device .* {count} .*test rows"):
        split(latency, PARAMS | {"train_rows": 91 - count + 20})


def test_predictions_cover_the_space(
    latency: Partitions, small_graphs: SpaceGraphs, trained: MetricPredictor
) -> None:
    rows = split(latency, PARAMS)
    table = predict(trained, small_graphs, rows)
    scored = table["split"] == "test"
    assert table["scored"].notna().equals(scored)
    assert table.loc[scored, "scored"].equals(table.loc[scored, "predicted"])
    assert (table["log_deviation"] > 0).all()
    assert table["arch_id"].tolist() == list(small_graphs.arch_ids)
    np.testing.assert_array_equal(table["predicted"], trained.predict(small_graphs))
    assert (table["predicted"] > 0).all()
    assert set(table["network_size"]) == {trained.network_size} == {SMALL.size}
    assert set(table["precision"]) == {"int8"}
    assert table["measured"].isna().sum() == 10
    assert table.loc[table["measured"].isna(), "split"].isna().all()


def test_training_reads_only_its_rows_and_gives_its_losses(
    latency: Partitions, small_graphs: SpaceGraphs
) -> None:
    rows = split(latency, PARAMS)
    predictor, history = trained_on(small_graphs, rows, PARAMS)
    assert predictor.view in DEVICE_VIEWS
    assert set(history["member"]) == {0, 1}
    named = ["metric", "device", "member", "epoch", "train_loss", "valid_loss"]
    assert history.columns.tolist() == named
    hidden = rows.copy()
    hidden.loc[hidden["split"] == "test", "measured"] = 99.0
    again, _ = trained_on(small_graphs, hidden, PARAMS)
    np.testing.assert_array_equal(again.predict(small_graphs), predictor.predict(small_graphs))


def test_scores_are_of_test_rows_alone(
    latency: Partitions,
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    trained: MetricPredictor,
) -> None:
    rows = split(latency, PARAMS)
    table = predict(trained, small_graphs, rows)
    # Answers with known figures; answers for training rows must not count.
    is_test = table["split"] == "test"
    known = (1.1 * table["measured"]).where(is_test, 1e6)
    table = table.assign(predicted=known, scored=known.where(is_test))
    others = make_operations("another-device")
    baselines = predict_baselines(small_graphs, table, architectures, others)
    assert baselines["arch_id"].tolist() == table.loc[is_test, "arch_id"].tolist()
    scores = score(trained, small_graphs, table, baselines)
    assert scores["rows"] == {"train": 60, "valid": 20, "test": 30}
    assert scores["metrics"]["gcn"]["mape"] == pytest.approx(0.1)
    assert scores["metrics"]["gcn"]["spearman"] == pytest.approx(1.0)
    assert (scores["model"], scores["view"], scores["device"]) == ("gcn", "raw", "toy-device")
    assert set(scores["metrics"]) == {"gcn", "flops", "params", "edge_linear"}
    # The toy latency is a sum over the operations of a cell.
    assert scores["metrics"]["edge_linear"]["within_5"] > 0.9


def test_operations_of_the_device_are_the_layerwise_baseline(
    latency: Partitions,
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    trained: MetricPredictor,
) -> None:
    rows = split(latency, PARAMS)
    table = predict(trained, small_graphs, rows)
    operations = pd.concat([make_operations("toy-device"), make_operations("another", 9.0)])
    baselines = predict_baselines(small_graphs, table, architectures, operations)
    scores = score(trained, small_graphs, table, baselines)
    figures = scores["metrics"]["layerwise"]
    # On the toy device, an operation costs the same in a network and alone.
    assert (figures["within_1"], figures["spearman"]) == (1.0, pytest.approx(1.0))


BOARD = "amd-epyc-torch-fp32-1t"
"""Device of `table`; the prior's knowledge of it is left out."""
ON_BOARD = f"latency_ms@{BOARD}"


@cache
def board(rows: int) -> Partitions:
    found = table(rows)
    return {BOARD: lambda: found}


@cache
def whole_space() -> SpaceGraphs:
    return get_space("nasbench201").graphs()


@cache
def adapted(rows: int = 12) -> tuple[pd.DataFrame, DevicePredictor, pd.DataFrame]:
    """Rows of a device with few, its predictor, and its predictions."""
    rows_ = split(board(rows), PARAMS, prior(), BOARD)
    found, history = train_predictors(whole_space(), rows_, prior(), PARAMS, ADAPTATION)
    predictor = found[ON_BOARD]
    assert isinstance(predictor, DevicePredictor)
    assert history.empty
    return rows_, predictor, predict(predictor, whole_space(), rows_, ON_BOARD)


def baselines_of(predictions: pd.DataFrame) -> pd.DataFrame:
    architectures = list_architectures(whole_space().arch_ids)
    others = make_operations("another")
    return predict_baselines(whole_space(), predictions, architectures, others)


class TestFewRows:
    def test_all_that_are_not_held_out_are_learnt_from(self) -> None:
        rows, predictor, _ = adapted()
        held = held_out(rows["arch_id"].tolist(), SHARE)
        assert (rows["split"] == np.where(held, "test", "train")).all()
        assert predictor.rows == (~held).sum()
        assert BOARD not in predictor.known

    def test_it_is_the_predictor_that_retrain_registers(self) -> None:
        _, predictor, _ = adapted()
        rows = split_device(table(12), BOARD, SHARE, base("retrain"))
        registered = adapt_device(rows, prior(), BOARD, QUICK)
        assert registered.predictor.digest() == predictor.digest()

    @pytest.mark.parametrize(("method", "adapts"), [("auto", False), ("adapted", True)])
    def test_with_enough_rows_the_parameter_decides(self, method: str, adapts: bool) -> None:
        params = PARAMS | {"method": method}
        found = split(board(120), params, prior(), BOARD)
        assert ("valid" not in set(found["split"])) == adapts

    def test_networks_can_be_insisted_on(self) -> None:
        with pytest.raises(BudgetError, match=r"= 80 .* 12 measured .* 3 ") as caught:
            split(board(12), PARAMS | {"method": "networks"}, prior(), BOARD)
        fitting = re.search(
            r"--params=train\.train_rows=(\d+),train\.valid_rows=(\d+) fits", str(caught.value)
        )
        assert fitting
        train, valid = map(int, fitting.groups())
        params = PARAMS | {"method": "networks", "train_rows": train, "valid_rows": valid}
        assert (split(board(12), params, prior(), BOARD)["split"] == "train").sum() == train

    def test_where_no_prior_is_known_they_are_too_few(self) -> None:
        with pytest.raises(BudgetError, match=r"= 80 .* 12 measured .* 3 "):
            split(board(12), PARAMS, no_prior(), BOARD)
        with pytest.raises(ConfigurationError, match=r"train\.method is 'adapted'.*'darts'"):
            split(board(12), PARAMS | {"method": "adapted"}, no_prior(), BOARD)

    def test_every_architecture_has_a_deviation_and_few_rows_are_scored_without_themselves(
        self,
    ) -> None:
        rows, predictor, table_ = adapted()
        np.testing.assert_array_equal(table_["log_deviation"], predictor.deviations(whole_space()))
        scored = table_.dropna(subset=["scored"]).set_index("arch_id")
        assert sorted(scored.index) == sorted(rows["arch_id"])
        learnt = rows[rows["split"] == "train"]
        np.testing.assert_allclose(scored.loc[learnt["arch_id"], "scored"], predictor.left_out)
        tested = scored[scored["split"] == "test"]
        assert tested["scored"].equals(tested["predicted"])

    def test_where_there_are_test_rows_enough_these_alone_are_scored(self) -> None:
        table_ = pd.DataFrame({"arch_id": [f"a{i}" for i in range(60)]})
        table_["split"] = ["test"] * 30 + ["train"] * 30
        table_["predicted"] = 1.0
        rows = table_[table_["split"] == "train"]
        for count, expected in ((30, 30), (29, 59)):
            some = table_.iloc[30 - count :]
            assert scored_rows(some, rows, np.full(30, 2.0)).notna().sum() == expected
        assert scored_rows(table_.iloc[10:], rows, None).notna().sum() == 20

    def test_figures_say_how_sure_they_are(self, caplog: pytest.LogCaptureFixture) -> None:
        _, predictor, table_ = adapted()
        with caplog.at_level(logging.INFO):
            found = score(predictor, whole_space(), table_, baselines_of(table_), name=ON_BOARD)
        assert (found["model"], found["scored"], found["scored_rows"]) == (
            "adapted",
            "left out",
            12,
        )
        assert found["rows"]["valid"] == 0
        own = found["metrics"]["adapted"]
        scored = table_.dropna(subset=["scored"])
        assert own == regression_metrics(scored["scored"], scored["measured"])
        low, high = found["intervals"]["spearman"]
        assert low < own["spearman"] < high < 1
        assert set(found["metrics"]) == {"adapted", "flops", "params", "edge_linear"}
        assert found["known_devices"] == list(predictor.known)
        assert f" {BOARD} (adapted, " in caplog.text
        assert re.search(r"\b12 rows, .*: Spearman", caplog.text)
        assert (found["prior_knows_device"], found["transfer"]) == (False, "")
        assert f"({low:.2f} to {high:.2f})" in caplog.text
        assert "Best baseline: " in caplog.text

    def test_a_prior_that_learnt_from_the_device_is_told(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It has seen earlier rows, so that no row is predicted quite without itself."""
        _, predictor, table_ = adapted()
        small = replace(prior(), network_sizes=(SMALL.size,) * len(prior().devices))
        with caplog.at_level(logging.INFO):
            found = score(predictor, whole_space(), table_, baselines_of(table_), small, ON_BOARD)
        assert found["prior_knows_device"]
        assert "earlier rows" in caplog.text
        assert found["transfer"].startswith("Transfer: known devices ")

    @pytest.mark.parametrize("split_of_row", ["train", "test"])
    def test_baselines_do_not_see_the_rows_that_they_are_scored_on(self, split_of_row: str) -> None:
        table_ = adapted()[2]
        scored = table_.dropna(subset=["scored"])
        place = int(np.flatnonzero(scored["split"] == split_of_row)[0])
        slow = table_.copy()
        slow.loc[scored.index[place], "measured"] *= 1000
        before, after = (baselines_of(changed).set_index("arch_id") for changed in (table_, slow))
        names = {"flops", "params", "edge_linear"}
        assert set(before) == {"metric", "device"} | names
        for name in names:
            assert before[name].iloc[place] == after[name].iloc[place], name
            # The others learn from a row to train on, and from no test row.
            moved = np.delete(before[name] != after[name], place)
            assert moved.any() == (split_of_row == "train"), name


@pytest.mark.parametrize(
    ("deviation", "rows", "words"),
    [
        (0.3, 400, ["0.68 ms"]),
        (0.01, 400, []),
        (0.01, 6, ["6 rows"]),
    ],
)
def test_it_warns_where_rows_are_too_few(
    deviation: float, rows: int, words: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    figures = {"spearman": 0.95, "within_10": 0.9, "mape": 0.04}
    found = {
        "metric": "latency_ms",
        "device": "board",
        "method": "adapted",
        "model": "adapted",
        "rows": {"train": 8, "valid": 0, "test": rows},
        "scored": "test",
        "prior_knows_device": False,
        "scored_rows": rows,
        "metrics": {"adapted": figures, "flops": figures | {"spearman": 0.8}},
        "intervals": {
            "spearman": spearman_interval(0.95, rows),
            "within_10": share_interval(0.9, rows),
        },
    }
    predictions = pd.DataFrame({"split": "test", "log_deviation": np.full(50, deviation)})
    with caplog.at_level(logging.INFO):
        describe_score(found, predictions)
    warned = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len(warned) == len(words)
    assert all(text in message for text, message in zip(words, warned, strict=True))
    caplog.clear()
    better = found | {"metrics": {"adapted": figures, "flops": figures | {"spearman": 0.96}}}
    describe_score(better, predictions)
    assert re.search(r"\bflops .*\bboard\b", caplog.text)
