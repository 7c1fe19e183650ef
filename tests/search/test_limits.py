from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.conformal import mixture_ratio
from brpnas.errors import ConfigurationError, ConstraintError, InfeasibleError
from brpnas.search.limits import LatencySource, Limits

NAMES = [f"cell-{i}" for i in range(8)]
SAID = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
SPLIT = ["train", "valid", "valid", "valid", "test", "test", "test", "test"]
TRUE = np.array([7.0, 2.4, 3.3, 4.4, 5.5, 6.6, np.nan, 4.0])
METRICS = {"latency_ms": SAID, "params_m": SAID / 10}


def predictions(**columns: Any) -> pd.DataFrame:
    table = {"arch_id": NAMES, "split": SPLIT, "measured": TRUE, "predicted": SAID}
    return pd.DataFrame({**table, "log_deviation": np.nan, **columns})


def limits(
    *constraints: str,
    latency: LatencySource = "predicted",
    confidence: float = 0.5,
    prefilter: float = 0.5,
    table: pd.DataFrame | None = None,
) -> Limits:
    return Limits.from_predictions(
        constraints,
        predictions() if table is None else table,
        latency=latency,
        confidence=confidence,
        prefilter_confidence=prefilter,
    )


def slow_mask(limit: float, ratio: float, known: dict[str, float]) -> list[bool]:
    """A limit of latency, one architecture after another."""
    found = []
    for name, said in zip(NAMES, SAID, strict=True):
        latency = known[name] if name in known else said * ratio
        found.append(bool(latency <= limit))
    return found


def test_a_predicted_limit_keeps_the_upper_ratio_and_measured_rows_need_none() -> None:
    found = limits("latency_ms <= 5")
    assert found.upper_ratio == pytest.approx(1.1)
    known = dict(zip(NAMES[:4], TRUE[:4], strict=True))
    want = slow_mask(5, found.upper_ratio, known)
    assert found.feasible(NAMES, METRICS).tolist() == want
    assert found.proposable(NAMES, METRICS).tolist() == want
    assert not want[0], "fast by prediction, slow as measured"
    assert not want[4], "5 * 1.1 is over 5"
    plain = found.predicted_feasible(NAMES, METRICS).tolist()
    assert plain == slow_mask(5, 1.0, known) != want
    assert not found.measures


def test_a_measured_limit_proposes_what_the_lower_ratio_does_not_rule_out() -> None:
    valid = np.where(np.array(SPLIT) == "valid", 0.8 * SAID, TRUE)
    found = limits("latency_ms <= 5", latency="table", table=predictions(measured=valid))
    assert found.lower_ratio == pytest.approx(0.8)
    fitted = dict(zip(NAMES[:4], valid[:4], strict=True))
    assert found.measures
    assert found.proposable(NAMES, METRICS).tolist() == slow_mask(5, 0.8, fitted)
    everything = {n: v for n, v in zip(NAMES, valid, strict=True) if not np.isnan(v)}
    assert found.feasible(NAMES, METRICS).tolist() == slow_mask(5, found.upper_ratio, everything)
    assert found.table_ms == everything


def test_latency_is_measured_only_where_it_is_limited() -> None:
    found = limits("params_m <= 0.4", latency="device")
    assert not found.measures
    assert found.proposable(NAMES, METRICS).tolist() == [value <= 0.4 for value in SAID / 10]


def test_without_validation_rows_the_deviations_give_the_ratios() -> None:
    table = predictions(split=["train"] * 2 + [None] * 6, log_deviation=np.linspace(0.1, 0.3, 8))
    found = limits("latency_ms <= 5", latency="device", confidence=0.9, prefilter=0.99, table=table)
    assert found.upper_ratio == mixture_ratio(table["log_deviation"], 0.9)
    assert found.lower_ratio == 1 / mixture_ratio(table["log_deviation"], 0.99)
    with pytest.raises(ConfigurationError):
        limits("latency_ms <= 5", confidence=0.9, table=predictions(split="test"))


@pytest.mark.parametrize(
    ("latency", "params", "holds"),
    [(5.0, 1.0, True), (5.1, 1.0, False), (5.0, 2.1, False), (None, 1.0, True)],
)
def test_a_measurement_holds_by_itself(latency: float | None, params: float, holds: bool) -> None:
    found = limits("latency_ms <= 5", "params_m <= 2", latency="device")
    assert found.holds({"latency_ms": 4.5, "params_m": params}, latency) is holds


def test_an_unknown_measurement_is_predicted_with_the_upper_ratio() -> None:
    found = limits("latency_ms <= 5", latency="device")
    assert not found.holds({"latency_ms": 4.6}, None), "4.6 * 1.1 is over 5"
    assert found.holds({"latency_ms": 4.5}, None)


def test_a_lower_bound_has_no_ratio() -> None:
    found = limits("latency_ms >= 3", confidence=0.5)
    known = np.where(np.isin(SPLIT, ["train", "valid"]), TRUE, SAID)
    assert found.feasible(NAMES, METRICS).tolist() == (known >= 3).tolist()


def test_a_missing_metric_satisfies_nothing() -> None:
    found = Limits.parse(["params_m <= 1"])
    unknown = {"params_m": np.array([np.nan, 0.5])}
    assert found.feasible(["a", "b"], unknown).tolist() == [False, True]
    with pytest.raises(ConstraintError, match="params_m"):
        found.feasible(["a"], {"latency_ms": np.ones(1)})


def test_the_error_names_the_constraint_that_excludes_everything() -> None:
    found = Limits.parse(["latency_ms <= 9", "params_m <= 0.01"])
    error = found.infeasible(NAMES, METRICS)
    assert isinstance(error, InfeasibleError)
    assert "params_m <= 0.01" in str(error)
    assert "latency_ms <= 9" not in str(error)


def test_no_limits_exclude_nothing_and_need_no_metric() -> None:
    assert Limits().proposable(NAMES, {}).all()
    assert Limits().holds({}, None)


@pytest.mark.parametrize("text", ["latency <= 5", "latency_ms = 5", "5"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConstraintError):
        Limits.parse([text])


def test_the_fingerprint_tells_limits_apart_and_notations_not() -> None:
    texts = [["latency_ms <= 5"], ["5 >= latency_ms"], ["latency_ms <= 6"]]
    first, same, other = (json.dumps(Limits.parse(text).describe()) for text in texts)
    assert first == same != other
    changes: list[dict[str, Any]] = [
        {"latency": "device"},
        {"upper_ratio": 1.2},
        {"lower_ratio": 0.8},
        {"measurements_per_query": 3},
    ]
    said = {json.dumps(Limits.parse(texts[0], **change).describe()) for change in changes}
    assert len(said | {first}) == 5
    tables = [limits("latency_ms <= 5", table=predictions(measured=TRUE + x)) for x in (0, 0.1)]
    assert tables[0].table_sha256 != tables[1].table_sha256


def test_it_goes_to_other_processes() -> None:
    found = limits("latency_ms <= 5", latency="table")
    again = pickle.loads(pickle.dumps(found))
    assert again.describe() == found.describe()
    assert again.proposable(NAMES, METRICS).tolist() == found.proposable(NAMES, METRICS).tolist()
