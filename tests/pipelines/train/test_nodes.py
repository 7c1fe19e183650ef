from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.datasets import held_out
from brpnas.errors import BudgetError, UnknownNameError
from brpnas.graphs import DEVICE_VIEWS, SpaceGraphs
from brpnas.predictors import LatencyPredictor
from pipelines.train.nodes import predict_latency, score_latency, split_latency, train_latency
from tests.pipelines.toys import make_latency, make_operations

PARAMS: dict[str, Any] = {
    "view": "auto",
    "backbone": "gcn",
    "members": 2,
    "hidden": 8,
    "layers": 2,
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.001,
    "patience": 2,
    "dropout": 0.0,
    "weight_decay": 0.0,
    "bound": 0.1,
    "train_rows": 60,
    "valid_rows": 20,
    "seed": 0,
    "workers": 1,
}
SHARE = 0.2
Partitions = dict[str, Callable[[], pd.DataFrame]]


@pytest.fixture(scope="module")
def latency(small_graphs: SpaceGraphs) -> Partitions:
    table = make_latency(small_graphs.arch_ids[:110], "toy-device")
    return {"toy-device": lambda: table}


@pytest.fixture(scope="module")
def trained(latency: Partitions, small_graphs: SpaceGraphs) -> LatencyPredictor:
    rows = split_latency(latency, "toy-device", SHARE, PARAMS)
    predictor, _ = train_latency(small_graphs, rows, PARAMS | {"view": "raw", "members": 1})
    return predictor


def test_splits_have_their_sizes_and_do_not_meet(latency: Partitions) -> None:
    rows = split_latency(latency, "toy-device", SHARE, PARAMS)
    assert rows["split"].value_counts().to_dict() == {"train": 60, "test": 30, "valid": 20}
    assert rows["arch_id"].is_unique
    assert rows.equals(split_latency(latency, "toy-device", SHARE, PARAMS))
    assert not rows.equals(split_latency(latency, "toy-device", SHARE, PARAMS | {"seed": 1}))


def test_split_does_not_depend_on_the_order_of_the_file(latency: Partitions) -> None:
    shuffled = latency["toy-device"]().sample(frac=1, random_state=1)
    assert split_latency(latency, "toy-device", SHARE, PARAMS).equals(
        split_latency({"toy-device": lambda: shuffled}, "toy-device", SHARE, PARAMS)
    )


def test_device_without_a_table_suggests_one(latency: Partitions) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'toy-device'"):
        split_latency(latency, "toy-devise", SHARE, PARAMS)


def test_no_row_left_to_test_on(latency: Partitions) -> None:
    with pytest.raises(BudgetError, match="= 110 is too much: toy-device has 110"):
        split_latency(latency, "toy-device", SHARE, PARAMS | {"train_rows": 90})


def test_cells_that_are_held_out_are_never_learnt_from(latency: Partitions) -> None:
    for seed in range(3):
        rows = split_latency(latency, "toy-device", SHARE, PARAMS | {"seed": seed})
        held = rows[held_out(rows["arch_id"].tolist(), SHARE)]
        assert len(held) > 10
        assert set(held["split"]) == {"test"}
    count = len(held)
    with pytest.raises(BudgetError, match=f"of which {count} are always test rows"):
        split_latency(latency, "toy-device", SHARE, PARAMS | {"train_rows": 91 - count + 20})


def test_predictions_cover_the_space(
    latency: Partitions, small_graphs: SpaceGraphs, trained: LatencyPredictor
) -> None:
    rows = split_latency(latency, "toy-device", SHARE, PARAMS)
    table = predict_latency(trained, small_graphs, rows, "toy-device")
    assert table["arch_id"].tolist() == list(small_graphs.arch_ids)
    np.testing.assert_array_equal(table["predicted_latency_ms"], trained.predict(small_graphs))
    assert (table["predicted_latency_ms"] > 0).all()
    assert table["latency_ms"].isna().sum() == 10
    assert table.loc[table["latency_ms"].isna(), "split"].isna().all()


def test_training_reads_only_its_rows_and_gives_its_losses(
    latency: Partitions, small_graphs: SpaceGraphs
) -> None:
    rows = split_latency(latency, "toy-device", SHARE, PARAMS)
    predictor, history = train_latency(small_graphs, rows, PARAMS)
    assert predictor.view in DEVICE_VIEWS
    assert set(history["member"]) == {0, 1}
    assert history.columns.tolist() == ["member", "epoch", "train_loss", "valid_loss"]
    hidden = rows.copy()
    hidden.loc[hidden["split"] == "test", "latency_ms"] = 99.0
    again, _ = train_latency(small_graphs, hidden, PARAMS)
    np.testing.assert_array_equal(again.predict(small_graphs), predictor.predict(small_graphs))


def test_scores_are_of_test_rows_alone(
    latency: Partitions,
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    trained: LatencyPredictor,
) -> None:
    rows = split_latency(latency, "toy-device", SHARE, PARAMS)
    table = predict_latency(trained, small_graphs, rows, "toy-device")
    # Answers whose figures are known; whatever is said of rows it has seen must not count.
    known = (1.1 * table["latency_ms"]).where(table["split"] == "test", 1e6)
    others = make_operations("another-device")
    scores = score_latency(
        trained,
        small_graphs,
        table.assign(predicted_latency_ms=known),
        architectures,
        others,
        PARAMS,
    )
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
    rows = split_latency(latency, "toy-device", SHARE, PARAMS)
    table = predict_latency(trained, small_graphs, rows, "toy-device")
    operations = pd.concat([make_operations("toy-device"), make_operations("another", 9.0)])
    scores = score_latency(trained, small_graphs, table, architectures, operations, PARAMS)
    figures = scores["metrics"]["layerwise"]
    # What an operation costs on the toy device is what it costs alone.
    assert (figures["within_1"], figures["spearman"]) == (1.0, pytest.approx(1.0))
