from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from brpnas.errors import SchemaError
from brpnas.report.data import COLUMNS
from tests.report.samples import METRICS, WINNER, front_table, report_data, space_table


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, cs in COLUMNS.items() for c in cs])
def test_each_declared_column_is_required(table: str, column: str) -> None:
    data = report_data(front=front_table(space_table()))
    given = getattr(data, table).drop(columns=column)
    with pytest.raises(SchemaError, match=f"'{table}' lacks {column}"):
        report_data(**{table: given})


@pytest.mark.parametrize("table", sorted(set(COLUMNS) - {"history"}))
def test_tables_other_than_the_history_may_be_missing(table: str) -> None:
    assert getattr(report_data(**{table: None}), table) is None


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("chosen", {"arch_id": WINNER, "test_acuracy": 0.7}, r"'test_acuracy'.* 'test_accuracy'\?"),
        ("chosen", {"test_accuracy": 0.7}, "'chosen' lacks arch_id"),
        ("protocol", {"devise": "x"}, r"'devise'.* 'device'\?"),
        ("sources", [{"licence": "MIT"}], "'sources' lacks name"),
        ("sources", [{"name": "a", "license": "MIT"}], r"'license'.* 'licence'\?"),
    ],
)
def test_unknown_and_missing_keys(name: str, value: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        report_data(**{name: value})


def test_metrics_must_be_complete() -> None:
    short = {k: v for k, v in METRICS["gcn"].items() if k != "mape"}
    with pytest.raises(SchemaError, match="'gcn' lack mape"):
        report_data(metrics={"gcn": short})


def test_winner_must_have_been_asked() -> None:
    history = report_data().history
    with pytest.raises(SchemaError, match=rf"{re.escape(repr(WINNER))} .* 10 "):
        report_data(history=history[history["arch_id"] != WINNER])


def test_what_breaks_the_constraints_cannot_win() -> None:
    history = report_data().history
    history["feasible"] = history["arch_id"] != WINNER
    with pytest.raises(SchemaError, match="not among"):
        report_data(history=history)


def test_a_failed_query_cannot_win() -> None:
    history = report_data().history
    history.loc[history["arch_id"] == WINNER, "status"] = "failed"
    with pytest.raises(SchemaError, match="not among"):
        report_data(history=history)


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_row_counts_of_the_protocol_must_be_true(split: str) -> None:
    true = {"train": 30, "valid": 10, "test": 159}[split]
    report_data(protocol={f"{split}_rows": true})
    with pytest.raises(SchemaError, match=f"says 900 {split} rows.*hold {true}"):
        report_data(protocol={f"{split}_rows": 900})


def test_unknown_split() -> None:
    predictions = report_data().predictions
    assert predictions is not None
    predictions.loc[0, "split"] = "holdout"
    with pytest.raises(SchemaError, match="'holdout'"):
        report_data(predictions=predictions)


def test_data_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        report_data().title = "other"  # type: ignore[misc]
