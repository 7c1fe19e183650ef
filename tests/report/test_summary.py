from __future__ import annotations

from typing import Any

import pytest

from brpnas.report.constraints import ConstraintCheck, check_constraints
from brpnas.report.data import ReportData
from brpnas.report.summary import Tile, constraint_table, subtitle, tiles, winner_facts
from tests.report.samples import report_data


def changed(**chosen: Any) -> ReportData:
    return report_data(chosen={**report_data().chosen, **chosen})


def by_label(data: ReportData) -> dict[str, Tile]:
    return {
        tile.label: tile for tile in tiles(data, check_constraints(data.constraints, data.chosen))
    }


def test_the_figures_read_first() -> None:
    shown = by_label(report_data())
    assert shown["Test accuracy"].figure == "72.34 %"
    assert "optimum 73.00 %" in shown["Test accuracy"].sub
    assert shown["Latency"].figure == "3.42 ms"
    assert shown["Latency"].sub == "measured; predicted 3.30 ms"
    assert shown["Limit"] == Tile("Limit", "✓ kept", "latency_ms <= 5, as measured", "good")
    assert shown["Regret"].figure in ("0.65 points", "0.66 points")


def test_unmeasured_latency_is_called_predicted() -> None:
    shown = by_label(changed(latency_ms=None))
    assert shown["Latency"].figure == "3.30 ms"
    assert shown["Latency"].sub == "predicted; not measured"
    assert shown["Limit"].sub.endswith("as predicted")


def test_a_latency_of_another_device_is_a_fact_and_decides_nothing() -> None:
    elsewhere = {"latency_elsewhere_ms": 9.25, "measured_on": "Mill"}
    data = changed(latency_ms=None, **elsewhere)
    assert dict(winner_facts(data))["Measured latency on Mill"] == "9.25 ms"
    assert by_label(data)["Limit"] == Tile(
        "Limit", "✓ kept", "latency_ms <= 5, as predicted", "good"
    )


def test_what_is_not_known_of_the_file_is_not_shown() -> None:
    shown = by_label(changed(latency_ms=None, predicted_latency_ms=None))
    assert (shown["Latency"].figure, shown["Limit"].figure) == ("–", "not known")
    measured = by_label(changed(predicted_latency_ms=None))["Latency"]
    assert (measured.figure, measured.sub) == ("3.42 ms", "measured")


def test_measurement_overrules_prediction() -> None:
    tile = by_label(changed(predicted_latency_ms=4.9, latency_ms=5.1))["Limit"]
    assert tile.figure == "✗ broken"
    assert tile.mood == "bad"


def test_without_test_accuracy_validation_is_shown_and_named() -> None:
    shown = by_label(changed(test_accuracy=None, regret=None))
    assert "Test accuracy" not in shown
    assert "Regret" not in shown
    assert shown["Validation accuracy"].figure == "71.34 %"
    assert "test accuracy" in shown["Validation accuracy"].sub


def test_one_broken_constraint_breaks_the_limit() -> None:
    checks = [ConstraintCheck("a", True, True), ConstraintCheck("b", None, False)]
    assert tiles(report_data(), checks)[2].mood == "bad"


def test_unknown_is_neither_kept_nor_broken() -> None:
    tile = tiles(report_data(), [ConstraintCheck("flops_m <= 1", None, None)])[2]
    assert tile.figure == "not known"
    assert tile.mood == ""


def test_no_constraint() -> None:
    assert tiles(report_data(), [])[2].figure == "none"


def test_checks_as_a_table() -> None:
    table = constraint_table(
        [ConstraintCheck("latency_ms <= 5", True, None), ConstraintCheck("x", False, True)]
    )
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["latency_ms <= 5", "✓ kept", "not known"],
        ["x", "✗ broken", "✓ kept"],
    ]


def test_facts_leave_out_what_is_not_known() -> None:
    facts = dict(winner_facts(report_data()))
    assert facts["Parameters"] == "1.07 M"
    assert facts["Multiply-adds"] == "153 M"
    assert facts["Validation accuracy, one training run"] == "71.34 %"
    assert not any(label.startswith("Best single-seed") for label in facts)
    few = dict(winner_facts(changed(params_m=None, flops_m=float("nan"))))
    assert not {"Parameters", "Multiply-adds"} & set(few)


def test_facts_say_how_many_answers_there_were() -> None:
    history = report_data().history
    history.loc[11, "arch_id"] = report_data().chosen["arch_id"]
    facts = dict(winner_facts(report_data(history=history)))
    assert "Validation accuracy, mean of 2 training runs" in facts


@pytest.mark.parametrize(
    ("task", "protocol", "text"),
    [
        ({}, {}, "12 queries"),
        ({"space": "s"}, {"device": "d"}, "s · latency on d · 12 queries"),
    ],
)
def test_subtitle(task: Any, protocol: Any, text: str) -> None:
    assert subtitle(report_data(task=task, protocol=protocol)) == text


def test_other_device_metrics_of_the_winner_are_facts() -> None:
    metrics = {
        "predicted_latency_ms": 3.0,
        "predicted_energy_mj@box": 1.25,
        "energy_mj@box": None,
        "predicted_params_m": 1.0,
    }
    data = report_data()
    chosen = {**data.chosen, "metrics": metrics}
    plain, shown = (dict(winner_facts(d)) for d in (data, report_data(chosen=chosen)))
    assert {name: shown[name] for name in set(shown) - set(plain)} == {
        "Predicted energy on box": "1.25 mJ"
    }
