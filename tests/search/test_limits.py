from __future__ import annotations

import json
import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import ConfigurationError, ConstraintError, InfeasibleError, SchemaError
from brpnas.search.history import History, Measurement
from brpnas.search.limits import Limits, Source

DEVICE = "my-phone"
NAMES = [f"cell-{i}" for i in range(8)]
SAID = np.array([1.0, 2, 3, 4, 5, 6, 7, 8])
SPLIT = ["train", "valid", "valid", "valid", "test", "test", "test", "test"]
TRUE = np.array([7.0, 2.4, 3.3, 4.4, 5.5, 6.6, np.nan, 4.0])
METRICS = {"latency_ms": SAID, "params_m": SAID / 10}


def predictions(**columns: Any) -> pd.DataFrame:
    table = {
        "metric": "latency_ms",
        "device": DEVICE,
        "arch_id": NAMES,
        "split": SPLIT,
        "measured": TRUE,
        "predicted": SAID,
        "log_deviation": np.nan,
    }
    return pd.DataFrame({**table, **columns})


def limits(
    *constraints: str,
    source: Source | Mapping[str, Source] = "predicted",
    confidence: float = 0.5,
    table: pd.DataFrame | None = None,
    **choices: Any,
) -> Limits:
    return Limits.from_predictions(
        constraints,
        predictions() if table is None else table,
        device=DEVICE,
        source=source,
        confidence=confidence,
        **choices,
    )


def slow_odds(
    limit: float, errors: list[float], deviations: np.ndarray, known: dict[str, float]
) -> list[float]:
    """A limit of latency, one architecture and one error after another."""
    found = []
    for name, said, deviation in zip(NAMES, SAID, deviations, strict=True):
        if name in known:
            found.append(float(known[name] <= limit))
        else:
            count = sum(said * math.exp(deviation * error) <= limit for error in errors)
            found.append(count / (len(errors) + 1))
    return found


def test_odds_are_the_share_of_validation_errors_that_keep_the_limit() -> None:
    deviations = np.linspace(0.1, 0.4, 8)
    found = limits("latency_ms <= 5", table=predictions(log_deviation=deviations))
    errors = [math.log(t / s) / d for t, s, d in zip(TRUE, SAID, deviations, strict=True)][1:4]
    known = dict(zip(NAMES[:4], TRUE[:4], strict=True))
    odds = found.odds(NAMES, METRICS, {"latency_ms": deviations})
    want = slow_odds(5, errors, deviations, known)
    assert odds.tolist() == pytest.approx(want)
    assert found.within(NAMES, METRICS, {"latency_ms": deviations}).tolist() == [
        value >= 0.5 for value in want
    ]
    assert not found.within(NAMES, METRICS)[0], "fast by prediction, slow as measured"


def test_a_larger_deviation_makes_both_answers_less_certain() -> None:
    errors = np.linspace(-2, 2, 99)
    found = Limits.parse(["latency_ms <= 5"], confidence=0.9, errors={"latency_ms": errors})
    said = {"latency_ms": np.array([4.0, 4.0, 6.0, 6.0])}
    spread = {"latency_ms": np.array([0.05, 0.5, 0.05, 0.5])}
    odds = found.odds(["a", "b", "c", "d"], said, spread)
    assert odds[0] > odds[1] > 0.5 > odds[3] > odds[2]
    assert found.within(["a", "b", "c", "d"], said, spread).tolist() == [True, False, False, False]


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95])
def test_new_rows_are_within_as_often_as_promised(confidence: float) -> None:
    """At the bound of each: the probability is exact where predictions are clear neither way."""
    rng, share = np.random.default_rng(0), []
    for _ in range(300):
        errors = np.sort(rng.normal(size=100))
        one = Limits.parse(
            ["latency_ms <= 1"], confidence=confidence, errors={"latency_ms": errors}
        )
        spread = rng.uniform(0.05, 0.3, 400)
        need = errors[min(math.ceil(101 * confidence), 100) - 1]
        said = np.exp(-spread * need - 1e-9)
        names = [str(i) for i in range(400)]
        assert one.within(names, {"latency_ms": said}, {"latency_ms": spread}).all()
        share.append((said * np.exp(spread * rng.normal(size=400)) <= 1).mean())
    assert np.mean(share) == pytest.approx(confidence, abs=0.012)


def test_several_limits_are_kept_together() -> None:
    errors = np.linspace(-2, 2, 99)
    texts = ["latency_ms <= 5", "latency_ms@edge-box <= 5"]
    both = Limits.parse(
        texts,
        confidence=0.8,
        errors={"latency_ms": errors, "latency_ms@edge-box": errors},
    )
    said = {"latency_ms": np.array([4.0, 4.0]), "latency_ms@edge-box": np.array([4.0, 1.0])}
    spread = dict.fromkeys(said, np.array([0.2, 0.2]))
    alone = Limits.parse(texts[:1], errors={"latency_ms": errors}).odds(["a", "b"], said, spread)
    odds = both.odds(["a", "b"], said, spread)
    assert odds[0] == pytest.approx(alone[0] ** 2, abs=0.03), "independent errors"
    assert odds[1] == pytest.approx(alone[1], abs=0.02)


def test_a_sum_over_devices_is_one_limit() -> None:
    found = Limits.parse(["latency_ms@a + 2*latency_ms@b <= 10"])
    said = {"latency_ms@a": np.array([4.0, 4.0]), "latency_ms@b": np.array([3.0, 3.1])}
    assert found.within(["x", "y"], said).tolist() == [True, False]


def test_a_metric_of_the_device_of_the_task_is_written_without_it() -> None:
    found = Limits.parse(["latency_ms@my-phone + latency_ms@box <= 5"], device=DEVICE)
    assert found.metrics == ("latency_ms", "latency_ms@box")
    assert limits("latency_ms@my-phone <= 5").describe() == limits("latency_ms <= 5").describe()


def test_a_table_decides_what_is_feasible_and_the_prediction_what_is_worth_a_look() -> None:
    found = limits("latency_ms <= 5", source="table", confidence=0.5)
    assert found.measures
    errors = np.log(TRUE[1:4] / SAID[1:4]).tolist()
    known = dict(zip(NAMES[:4], TRUE[:4], strict=True))
    odds = slow_odds(5, errors, np.ones(8), known)
    worth = [value > 0.005 for value in odds]
    assert found.proposable(NAMES, METRICS).tolist() == worth
    everything = {n: v for n, v in zip(NAMES, TRUE, strict=True) if not np.isnan(v)}
    assert found.looked_up == {"latency_ms": everything}
    want = [everything[n] <= 5 if n in everything else False for n in NAMES]
    assert found.feasible(NAMES, METRICS).tolist() == want
    assert not found.is_measurable("cell-1"), "its latency trained the predictor"
    assert found.is_measurable("cell-5")


def test_what_no_table_holds_is_not_worth_a_measurement() -> None:
    table = pd.concat(
        [predictions(), predictions(device="box", predicted=SAID / 10, measured=TRUE / 10)]
    )
    texts = ("latency_ms + latency_ms@box <= 8.6",)
    wide = {"latency_ms@box": SAID / 10, **METRICS}
    found = limits(*texts, source="table", table=table, confidence=0.8)
    assert [found.is_measurable(name) for name in NAMES] == [False] * 4 + [True, True, False, True]
    odds, clear = found.odds(NAMES, wide), found.within(NAMES, wide)
    assert 0.005 < odds[6] < 0.8
    assert found.proposable(NAMES, wide).tolist() == [
        bool(sure or (value > 0.005 and name != "cell-6"))
        for name, value, sure in zip(NAMES, odds, clear, strict=True)
    ]
    mixed = limits(*texts, source={"latency_ms": "device", "latency_ms@box": "table"}, table=table)
    assert mixed.is_measurable("cell-6"), "the device gives one of the two"
    assert not limits("latency_ms <= 5").is_measurable("cell-5")


def test_without_a_confidence_predictions_are_trusted_and_nothing_is_uncertain() -> None:
    found = limits("latency_ms <= 5", source="device", confidence=0)
    want = [False, True, True, True, True, False, False, False]
    assert found.proposable(NAMES, METRICS).tolist() == want
    assert found.within(NAMES, METRICS).tolist() == want
    assert found.measures


def test_without_measurements_only_the_clear_are_proposed() -> None:
    found = limits("latency_ms <= 5", source="table", measurements=0)
    assert found.proposable(NAMES, METRICS).tolist() == found.within(NAMES, METRICS).tolist()


@pytest.mark.parametrize(
    ("source", "want"),
    [
        ("predicted", {}),
        ("table", {"latency_ms": "table", "latency_ms@box": "table"}),
        ("device", {"latency_ms": "device"}),
        ({"latency_ms@box": "table"}, {"latency_ms@box": "table"}),
        ({"latency_ms@my-phone": "device"}, {"latency_ms": "device"}),
    ],
)
def test_each_metric_has_its_source(source: Any, want: dict[str, str]) -> None:
    table = pd.concat([predictions(), predictions(device="box")])
    found = limits("latency_ms + latency_ms@box <= 9", "params_m <= 3", source=source, table=table)
    assert found.sources == want


def test_a_source_of_something_else_is_refused() -> None:
    for source in ({"params_m": "table"}, {"latency_ms@box": "table"}):
        with pytest.raises(ConfigurationError, match=f"'{next(iter(source))}'.*: latency_ms"):
            limits("latency_ms <= 5", "params_m <= 3", source=source)  # type: ignore[arg-type]


def test_metrics_are_measured_only_where_they_are_limited() -> None:
    found = limits("params_m <= 0.4", source="device")
    assert not found.measures
    assert found.proposable(NAMES, METRICS).tolist() == [value <= 0.4 for value in SAID / 10]


def test_a_metric_without_predictions_is_refused_with_those_there_are() -> None:
    with pytest.raises(SchemaError, match=r"energy_mj@my-phone.*latency_ms@my-phone"):
        limits("energy_mj <= 5")


def test_the_budget_of_measurements_is_a_total_and_keeps_some_for_the_choice() -> None:
    found, history = limits("latency_ms <= 5", source="device", measurements=12), History()
    assert (found.left(history), found.left(history, choice=True)) == (7, 12)
    history.note(Measurement(0, name, True) for name in NAMES)
    assert (found.left(history), found.left(history, choice=True)) == (0, 4)
    assert limits("latency_ms <= 5").left(History(), choice=True) == 0


def test_without_validation_rows_errors_are_normal_in_units_of_the_deviations() -> None:
    table = predictions(split=["train"] * 2 + [None] * 6, log_deviation=np.linspace(0.1, 0.3, 8))
    found = limits("latency_ms <= 5", confidence=0.9, table=table)
    spread = {"latency_ms": np.full(8, 0.2)}
    bound = 5 * math.exp(-1.2816 * 0.2)
    said = {"latency_ms": np.r_[SAID[:6], bound * 0.99, bound * 1.01]}
    assert found.within(NAMES, said, spread)[-2:].tolist() == [True, False]
    with pytest.raises(ConfigurationError, match="train again"):
        limits("latency_ms <= 5", confidence=0.9, table=predictions(split="test"))


@pytest.mark.parametrize(
    ("measured", "params", "holds"),
    [
        ({"latency_ms": 5.0}, 1.0, True),
        ({"latency_ms": 5.1}, 1.0, False),
        ({"latency_ms": 5.0}, 2.1, False),
        ({}, 1.0, True),
    ],
)
def test_a_measurement_holds_by_itself(
    measured: dict[str, float], params: float, holds: bool
) -> None:
    found = limits("latency_ms <= 5", "params_m <= 2", source="device")
    said = {"latency_ms": 4.5, "params_m": params}
    assert found.holds("cell-9", said, {}, measured) is holds


def test_a_metric_that_cannot_be_measured_counts_as_predicted() -> None:
    found = limits("latency_ms <= 5", source="device")
    assert not found.holds("cell-9", {"latency_ms": 4.6}, {}, {}), "4.6 * 1.1 is over 5"
    assert found.holds("cell-9", {"latency_ms": 4.5}, {}, {})


def test_a_lower_bound_has_a_margin_too() -> None:
    errors = {"latency_ms": np.log([0.8, 0.9, 1.0, 1.1, 1.2])}
    found = Limits.parse(["latency_ms >= 4"], confidence=0.8, errors=errors)
    said = {"latency_ms": np.array([4.2, 4.9, 5.1])}
    assert found.within(["a", "b", "c"], said).tolist() == [False, False, True]


def test_a_missing_metric_satisfies_nothing() -> None:
    found = Limits.parse(["params_m <= 1"])
    unknown = {"params_m": np.array([np.nan, 0.5])}
    assert found.within(["a", "b"], unknown).tolist() == [False, True]
    with pytest.raises(ConstraintError, match="params_m"):
        found.within(["a"], {"latency_ms": np.ones(1)})


def test_the_error_names_the_constraint_that_excludes_everything() -> None:
    found = Limits.parse(["latency_ms <= 9", "params_m <= 0.01"])
    error = found.infeasible(NAMES, METRICS)
    assert isinstance(error, InfeasibleError)
    assert "params_m <= 0.01" in str(error)
    assert "latency_ms <= 9" not in str(error)


def test_the_error_tells_the_confidence_if_that_excludes_everything() -> None:
    errors = {"latency_ms": np.linspace(-1, 1, 9)}
    found = Limits.parse(["latency_ms <= 1.2"], confidence=0.95, errors=errors)
    assert not found.proposable(NAMES, METRICS).any()
    assert "confidence of 95%" in str(found.infeasible(NAMES, METRICS))


def test_no_limits_exclude_nothing_and_need_no_metric() -> None:
    assert Limits().proposable(NAMES, {}).all()
    assert Limits().holds("cell-0", {}, {}, {})


@pytest.mark.parametrize(
    "text", ["latency <= 5", "latency_ms = 5", "5", "params_m@box <= 3", "latency_ms@ <= 5"]
)
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConstraintError):
        Limits.parse([text])


@pytest.mark.parametrize(
    "texts",
    [
        ["latency_ms <= 3", "latency_ms >= 5"],
        ["latency_ms <= 3", "latency_ms@my-phone > 3"],
        ["latency_ms <= 0"],
        ["params_m < 0"],
        ["latency_ms + params_m >= 1e9"],
        ["params_m <= 3", "2*latency_ms + params_m <= 4", "params_m/2 + latency_ms >= 2.1"],
    ],
)
def test_limits_that_nothing_satisfies_are_refused(texts: list[str]) -> None:
    with pytest.raises(InfeasibleError) as error:
        Limits.parse(texts, device=DEVICE)
    assert repr(texts[-1]) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_range_and_a_single_value_are_no_contradiction() -> None:
    texts = ["latency_ms <= 5", "latency_ms >= 5", "latency_ms >= 3", "params_m >= 0"]
    assert len(Limits.parse(texts).constraints) == 4


@pytest.mark.parametrize(("name", "value"), [("confidence", 1.0), ("measurements", -1)])
def test_a_number_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        limits("latency_ms <= 5", **{name: value})


def test_the_fingerprint_tells_limits_apart_and_notations_not() -> None:
    texts = [["latency_ms <= 5"], ["5 >= latency_ms"], ["latency_ms <= 6"]]
    first, same, other = (json.dumps(Limits.parse(text).describe()) for text in texts)
    assert first == same != other
    changes: list[dict[str, Any]] = [
        {"sources": {"latency_ms": "device"}},
        {"confidence": 0.9},
        {"errors": {"latency_ms": np.array([0.1])}},
        {"known": {"latency_ms": {"cell-1": 2.0}}},
        {"measurements": 3},
    ]
    said = {json.dumps(Limits.parse(texts[0], **change).describe()) for change in changes}
    assert len(said | {first}) == 6
    tables = [
        limits("latency_ms <= 5", source="table", table=predictions(measured=TRUE + x))
        for x in (0, 0.1)
    ]
    assert tables[0].table_sha256 != tables[1].table_sha256


def test_it_goes_to_other_processes() -> None:
    found = limits("latency_ms <= 5", source="table")
    again = pickle.loads(pickle.dumps(found))
    assert again.describe() == found.describe()
    assert again.proposable(NAMES, METRICS).tolist() == found.proposable(NAMES, METRICS).tolist()


def test_costs_have_sources_and_values_but_are_no_limits() -> None:
    table = pd.concat([predictions(), predictions(device="box", measured=TRUE + 1)])
    costs = ("latency_ms", "latency_ms@box", "params_m")
    found = limits("latency_ms <= 5", source="table", table=table, costs=costs)
    assert found.sources == {"latency_ms": "table", "latency_ms@box": "table"}
    assert found.measured_costs == ["latency_ms", "latency_ms@box"]
    assert found.looked_up["latency_ms@box"]["cell-7"] == 5.0
    assert set(found.errors) == set(found.metrics) == {"latency_ms"}
    assert [found.knows_costs(name) for name in NAMES] == [s != "test" for s in SPLIT]
    plain = limits("latency_ms <= 5", source="table", table=table)
    assert found.within(NAMES, METRICS).tolist() == plain.within(NAMES, METRICS).tolist()
    assert found.describe() != plain.describe()
    assert all(map(plain.knows_costs, NAMES))


def test_predicted_costs_are_not_measured() -> None:
    found = limits(costs=("latency_ms",))
    assert not found.measures
    assert all(map(found.knows_costs, NAMES))
    with pytest.raises(ConfigurationError, match=r"'latency_ms@box'.*: latency_ms"):
        limits(costs=("latency_ms",), source={"latency_ms@box": "table"})
