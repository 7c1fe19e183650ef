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

from brpnas.datasets import held_out, list_architectures
from brpnas.errors import BudgetError, ConfigurationError, UnknownNameError
from brpnas.graphs import DEVICE_VIEWS, SpaceGraphs
from brpnas.metrics import regression_metrics, share_interval, spearman_interval
from brpnas.predictors import LatencyPredictor
from brpnas.predictors.transfer import DevicePredictor, DevicePrior, shipped_prior
from brpnas.spaces import get_space
from pipelines.retrain.nodes import adapt_device, split_device
from pipelines.train.nodes import (
    predict_baselines,
    predict_latency,
    score_latency,
    split_latency,
    train_latency,
)
from pipelines.train.score import describe_score, scored_rows
from tests.pipelines.parameters import base
from tests.pipelines.retrain.toys import QUICK, table
from tests.pipelines.toys import SMALL, make_latency, make_operations

PARAMS: dict[str, Any] = base(
    "train",
    **{"members": 2, "hidden": 8, "layers": 2, "epochs": 2, "batch_size": 16, "patience": 2},
    **{"train_rows": 60, "valid_rows": 20, "workers": 1},
)
SHARE = 0.2
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
    return split_latency(latency, known or no_prior(), "nasbench201", device, SHARE, params)


def trained_on(
    graphs: SpaceGraphs, rows: pd.DataFrame, params: Mapping[str, Any]
) -> tuple[Any, pd.DataFrame]:
    return train_latency(graphs, rows, no_prior(), "toy-device", params, ADAPTATION)


@pytest.fixture(scope="module")
def latency(small_graphs: SpaceGraphs) -> Partitions:
    table = make_latency(small_graphs.arch_ids[:110], "toy-device")
    table = table.assign(network_size=SMALL.size, precision="int8")
    return {"toy-device": lambda: table}


@pytest.fixture(scope="module")
def trained(latency: Partitions, small_graphs: SpaceGraphs) -> LatencyPredictor:
    rows = split(latency, PARAMS)
    predictor, _ = train_latency(
        small_graphs,
        rows,
        no_prior(),
        "toy-device",
        PARAMS | {"view": "raw", "members": 1},
        ADAPTATION,
    )
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


def test_device_without_a_table_suggests_one(latency: Partitions) -> None:
    with pytest.raises(UnknownNameError, match=r"'toy-devise'.* 'toy-device'\?"):
        split(latency, PARAMS, device="toy-devise")


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
    latency: Partitions, small_graphs: SpaceGraphs, trained: LatencyPredictor
) -> None:
    rows = split(latency, PARAMS)
    table = predict_latency(trained, small_graphs, rows, "toy-device")
    scored = table["split"] == "test"
    assert table["scored_ms"].notna().equals(scored)
    assert table.loc[scored, "scored_ms"].equals(table.loc[scored, "predicted_latency_ms"])
    assert table["log_deviation"].isna().all()
    assert table["arch_id"].tolist() == list(small_graphs.arch_ids)
    np.testing.assert_array_equal(table["predicted_latency_ms"], trained.predict(small_graphs))
    assert (table["predicted_latency_ms"] > 0).all()
    assert set(table["network_size"]) == {trained.network_size} == {SMALL.size}
    assert set(table["precision"]) == {"int8"}
    assert table["latency_ms"].isna().sum() == 10
    assert table.loc[table["latency_ms"].isna(), "split"].isna().all()


def test_training_reads_only_its_rows_and_gives_its_losses(
    latency: Partitions, small_graphs: SpaceGraphs
) -> None:
    rows = split(latency, PARAMS)
    predictor, history = train_latency(
        small_graphs, rows, no_prior(), "toy-device", PARAMS, ADAPTATION
    )
    assert predictor.view in DEVICE_VIEWS
    assert set(history["member"]) == {0, 1}
    assert history.columns.tolist() == ["member", "epoch", "train_loss", "valid_loss"]
    hidden = rows.copy()
    hidden.loc[hidden["split"] == "test", "latency_ms"] = 99.0
    again, _ = trained_on(small_graphs, hidden, PARAMS)
    np.testing.assert_array_equal(again.predict(small_graphs), predictor.predict(small_graphs))


def test_scores_are_of_test_rows_alone(
    latency: Partitions,
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    trained: LatencyPredictor,
) -> None:
    rows = split(latency, PARAMS)
    table = predict_latency(trained, small_graphs, rows, "toy-device")
    # Answers with known figures; answers for training rows must not count.
    is_test = table["split"] == "test"
    known = (1.1 * table["latency_ms"]).where(is_test, 1e6)
    table = table.assign(predicted_latency_ms=known, scored_ms=known.where(is_test))
    others = make_operations("another-device")
    baselines = predict_baselines(small_graphs, table, architectures, others)
    assert baselines["arch_id"].tolist() == table.loc[is_test, "arch_id"].tolist()
    scores = score_latency(trained, small_graphs, table, baselines, PARAMS)
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
    trained: LatencyPredictor,
) -> None:
    rows = split(latency, PARAMS)
    table = predict_latency(trained, small_graphs, rows, "toy-device")
    operations = pd.concat([make_operations("toy-device"), make_operations("another", 9.0)])
    baselines = predict_baselines(small_graphs, table, architectures, operations)
    scores = score_latency(trained, small_graphs, table, baselines, PARAMS)
    figures = scores["metrics"]["layerwise"]
    # On the toy device, an operation costs the same in a network and alone.
    assert (figures["within_1"], figures["spearman"]) == (1.0, pytest.approx(1.0))


BOARD = "amd-epyc-torch-fp32-1t"
"""Device of `table`; the prior's knowledge of it is left out."""


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
    split_rows = split(board(rows), PARAMS, prior(), BOARD)
    given = (split_rows, prior(), BOARD, PARAMS, ADAPTATION)
    predictor, history = train_latency(whole_space(), *given)
    assert isinstance(predictor, DevicePredictor)
    assert history.empty
    return split_rows, predictor, predict_latency(predictor, whole_space(), split_rows, BOARD)


def baselines_of(latency_predictions: pd.DataFrame) -> pd.DataFrame:
    architectures = list_architectures(whole_space().arch_ids)
    others = make_operations("another")
    return predict_baselines(whole_space(), latency_predictions, architectures, others)


class TestFewRows:
    def test_all_that_are_not_held_out_are_learnt_from(self) -> None:
        rows, predictor, _ = adapted()
        held = held_out(rows["arch_id"].tolist(), SHARE)
        assert (rows["split"] == np.where(held, "test", "train")).all()
        assert predictor.rows == (~held).sum()
        assert BOARD not in predictor.known

    def test_it_is_the_predictor_that_retrain_registers(self) -> None:
        _, predictor, _ = adapted()
        registered = adapt_device(split_device(table(12), SHARE), prior(), BOARD, QUICK)
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
        scored = table_.dropna(subset=["scored_ms"]).set_index("arch_id")
        assert sorted(scored.index) == sorted(rows["arch_id"])
        learnt = rows[rows["split"] == "train"]
        np.testing.assert_allclose(scored.loc[learnt["arch_id"], "scored_ms"], predictor.left_out)
        tested = scored[scored["split"] == "test"]
        assert tested["scored_ms"].equals(tested["predicted_latency_ms"])

    def test_where_there_are_test_rows_enough_these_alone_are_scored(self) -> None:
        table_ = pd.DataFrame({"arch_id": [f"a{i}" for i in range(60)]})
        table_["split"] = ["test"] * 30 + ["train"] * 30
        table_["predicted_latency_ms"] = 1.0
        rows = table_[table_["split"] == "train"]
        for count, expected in ((30, 30), (29, 59)):
            some = table_.iloc[30 - count :]
            assert scored_rows(some, rows, np.full(30, 2.0)).notna().sum() == expected
        assert scored_rows(table_.iloc[10:], rows, None).notna().sum() == 20

    def test_figures_say_how_sure_they_are(self, caplog: pytest.LogCaptureFixture) -> None:
        _, predictor, table_ = adapted()
        with caplog.at_level(logging.INFO):
            found = score_latency(predictor, whole_space(), table_, baselines_of(table_), PARAMS)
        assert (found["model"], found["scored"], found["scored_rows"]) == (
            "adapted",
            "left out",
            12,
        )
        assert found["rows"]["valid"] == 0
        own = found["metrics"]["adapted"]
        scored = table_.dropna(subset=["scored_ms"])
        assert own == regression_metrics(scored["scored_ms"], scored["latency_ms"])
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
            found = score_latency(
                predictor, whole_space(), table_, baselines_of(table_), PARAMS, small
            )
        assert found["prior_knows_device"]
        assert "earlier rows" in caplog.text
        assert found["transfer"].startswith("Transfer: known devices ")

    @pytest.mark.parametrize("split_of_row", ["train", "test"])
    def test_baselines_do_not_see_the_rows_that_they_are_scored_on(self, split_of_row: str) -> None:
        table_ = adapted()[2]
        scored = table_.dropna(subset=["scored_ms"])
        place = int(np.flatnonzero(scored["split"] == split_of_row)[0])
        slow = table_.copy()
        slow.loc[scored.index[place], "latency_ms"] *= 1000
        before, after = (baselines_of(changed).set_index("arch_id") for changed in (table_, slow))
        assert set(before) == {"flops", "params", "edge_linear"}
        for name in before:
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
