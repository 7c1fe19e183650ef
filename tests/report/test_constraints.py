from __future__ import annotations

import pytest

from brpnas.errors import ConstraintError
from brpnas.report.constraints import (
    ConstraintCheck,
    check_constraints,
    constraint_sentence,
    upper_limits,
)
from brpnas.report.data import Chosen

CHOSEN: Chosen = {"arch_id": "a", "predicted_latency_ms": 4.9, "latency_ms": 5.2, "params_m": 1.0}


@pytest.mark.parametrize(
    ("text", "predicted", "measured"),
    [
        ("latency_ms <= 5", True, False),
        ("latency_ms <= 6", True, True),
        ("latency_ms >= 5", False, True),
        ("params_m <= 2", True, True),
        ("latency_ms + 0.5*params_m <= 5.4", True, False),
        ("flops_m <= 100", None, None),
        ("latency_ms + flops_m <= 5", None, None),
    ],
)
def test_checks(text: str, predicted: bool | None, measured: bool | None) -> None:
    assert check_constraints([text], CHOSEN) == [ConstraintCheck(text, predicted, measured)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("latency_ms <= 5", "measured 5.2, predicted 4.9; exceeds the limit"),
        ("-latency_ms >= -5", "measured 5.2, predicted 4.9; exceeds the limit"),
        ("latency_ms >= 6", "measured 5.2, predicted 4.9; breaks the limit"),
        ("params_m > 2", "1; breaks the limit"),
        ("latency_ms >= 5", "measured 5.2, predicted 4.9; keeps the limit"),
    ],
)
def test_a_value_below_a_lower_bound_exceeds_nothing(text: str, said: str) -> None:
    (check,) = check_constraints([text], CHOSEN)
    assert constraint_sentence(check) == f"{text}: {said}"


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_unmeasured_is_unknown_not_broken(missing: float | None) -> None:
    chosen: Chosen = {**CHOSEN, "latency_ms": missing}
    assert check_constraints(["latency_ms <= 5"], chosen)[0] == ConstraintCheck(
        "latency_ms <= 5", True, None
    )


def test_one_check_a_constraint_in_order() -> None:
    texts = ["params_m <= 2", "latency_ms <= 5"]
    assert [check.constraint for check in check_constraints(texts, CHOSEN)] == texts
    assert check_constraints([], CHOSEN) == []


def test_unreadable_constraint() -> None:
    with pytest.raises(ConstraintError):
        check_constraints(["latency is low"], CHOSEN)


@pytest.mark.parametrize(
    ("texts", "limit"),
    [
        ([], None),
        (["latency_ms <= 5"], 5.0),
        (["5.5 >= latency_ms"], 5.5),
        (["2*latency_ms < 9"], 4.5),
        (["latency_ms <= 5", "latency_ms <= 4"], 4.0),
        (["latency_ms >= 2"], None),
        (["-latency_ms >= -5"], 5.0),
        (["-latency_ms <= -2"], None),
        (["latency_ms + params_m <= 5"], None),
        (["params_m <= 5"], None),
    ],
)
def test_limit_of_the_latency(texts: list[str], limit: float | None) -> None:
    assert upper_limits(texts).get("latency_ms") == limit


def test_metrics_of_other_devices_are_checked_by_prediction_and_measurement() -> None:
    metrics = {"predicted_energy_mj": 3.0, "energy_mj": 5.0, "predicted_latency_ms@b": 7.0}
    chosen: Chosen = {**CHOSEN, "metrics": metrics | {"predicted_file_kib": 900.0}}
    checks = [
        ConstraintCheck("energy_mj <= 4", True, False),
        ConstraintCheck("latency_ms@b <= 4", False, None),
        ConstraintCheck("latency_ms@b + energy_mj <= 11", True, None),
        ConstraintCheck("file_kib <= 1000", True, True),
        ConstraintCheck("peak_memory_mib <= 4", None, None),
    ]
    assert check_constraints([check.constraint for check in checks], chosen) == checks


def test_metrics_may_name_the_device_of_the_task() -> None:
    text = "latency_ms@a <= 5"
    assert check_constraints([text], CHOSEN, "a") == [ConstraintCheck(text, True, False)]
    assert check_constraints([text], CHOSEN, "b") == [ConstraintCheck(text, None, None)]
    assert upper_limits([text, "energy_mj@b <= 2"], "a") == {"latency_ms": 5.0, "energy_mj@b": 2.0}
