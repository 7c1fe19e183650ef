from __future__ import annotations

from brpnas.candidates import JobRecord, curve_table
from brpnas.datasets import CURVES, validate

RUNS = [
    JobRecord("a", 1, "ok", 0.5, 0.4, 1.0, curve=(0.25, 0.5)),
    JobRecord("b", 0, "ok", 0.7, 0.6, 1.0),
    JobRecord("c", 0, "failed", message="why"),
]


def test_a_row_for_each_epoch_of_a_success() -> None:
    table = curve_table(RUNS, "digits")
    assert table.to_dict("records") == [
        {"arch_id": "a", "dataset": "digits", "seed": 1, "epoch": 1, "accuracy": 0.25},
        {"arch_id": "a", "dataset": "digits", "seed": 1, "epoch": 2, "accuracy": 0.5},
    ]
    assert validate(table, CURVES, origin="it").equals(table)


def test_records_older_than_curves_have_no_rows() -> None:
    assert curve_table(RUNS[1:], "digits").empty
