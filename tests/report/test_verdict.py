from __future__ import annotations

import pytest

from brpnas.errors import ConstraintError
from brpnas.report.data import Chosen
from brpnas.report.verdict import Verdict, judge, latency_limit, verdict_sentence

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
def test_verdicts(text: str, predicted: bool | None, measured: bool | None) -> None:
    assert judge([text], CHOSEN) == [Verdict(text, predicted, measured)]


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
    (verdict,) = judge([text], CHOSEN)
    assert verdict_sentence(verdict) == f"{text}: {said}"


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_unmeasured_is_unknown_not_broken(missing: float | None) -> None:
    chosen: Chosen = {**CHOSEN, "latency_ms": missing}
    assert judge(["latency_ms <= 5"], chosen)[0] == Verdict("latency_ms <= 5", True, None)


def test_one_verdict_a_constraint_in_order() -> None:
    texts = ["params_m <= 2", "latency_ms <= 5"]
    assert [v.constraint for v in judge(texts, CHOSEN)] == texts
    assert judge([], CHOSEN) == []


def test_unreadable_constraint() -> None:
    with pytest.raises(ConstraintError):
        judge(["latency is low"], CHOSEN)


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
    assert latency_limit(texts) == limit
