from __future__ import annotations

import operator
import random
import re

import numpy as np
import pytest

from brpnas.errors import ConstraintError
from brpnas.search.constraints import Constraint, explain_infeasible

METRICS = ("latency_ms", "flops_m", "params_m")
_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}


@pytest.mark.parametrize(
    ("text", "terms", "relation", "bound"),
    [
        ("latency_ms <= 5", {"latency_ms": 1.0}, "<=", 5.0),
        ("latency_ms<5.", {"latency_ms": 1.0}, "<", 5.0),
        ("5e-1 >= latency_ms", {"latency_ms": 1.0}, "<=", 0.5),
        ("3 < params_m", {"params_m": 1.0}, ">", 3.0),
        ("latency_ms + 0.5*params_m <= 7", {"latency_ms": 1.0, "params_m": 0.5}, "<=", 7.0),
        ("latency_ms <= 2*params_m + 1", {"latency_ms": 1.0, "params_m": -2.0}, "<=", 1.0),
        ("2*latency_ms*3 - 1 >= flops_m/4", {"flops_m": 1.0, "latency_ms": -24.0}, "<=", -4.0),
        ("-latency_ms + - 2 > -.5", {"latency_ms": 1.0}, "<", -1.5),
        ("latency_ms + latency_ms <= 4", {"latency_ms": 1.0}, "<=", 2.0),
        ("4 <= 1 + latency_ms", {"latency_ms": 1.0}, ">=", 3.0),
    ],
)
def test_reads_terms(text: str, terms: dict[str, float], relation: str, bound: float) -> None:
    constraint = Constraint.parse(text, METRICS)
    values = dict.fromkeys(METRICS, 1.7)
    assert dict(constraint.terms) == terms
    assert (constraint.relation, constraint.bound) == (relation, bound)
    assert constraint.left_side(values) == pytest.approx(1.7 * sum(terms.values()))
    assert constraint.text == text
    assert list(constraint.terms) == sorted(constraint.terms)
    assert Constraint.parse(constraint.canonical, METRICS) == constraint


@pytest.mark.parametrize(
    ("limit", "notations"),
    [
        (
            "latency_ms <= 3",
            ("3 >= latency_ms", "-latency_ms >= -3", "0.1*latency_ms <= 0.3", "latency_ms/3 <= 1"),
        ),
        ("latency_ms > 3", ("-latency_ms < -3", "0 < latency_ms - 3", "1e1*latency_ms > 30.")),
        (
            "latency_ms + 0.5*params_m <= 7",
            ("params_m/2 <= 7 - latency_ms", "-2*latency_ms - params_m >= -14"),
        ),
        ("flops_m - latency_ms >= 0.3", ("latency_ms + 0.1 + 0.2 <= flops_m",)),
    ],
)
def test_all_notations_of_a_limit_are_one_constraint(limit: str, notations: tuple[str]) -> None:
    expected = Constraint.parse(limit, METRICS)
    for text in notations:
        found = Constraint.parse(text, METRICS)
        assert found == expected
        assert hash(found) == hash(expected)
        assert found.canonical == expected.canonical
    assert expected != Constraint.parse(limit.replace("=", "") + "1", METRICS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "<=, >=, <, > .* none"),
        ("latency_ms", "has none"),
        ("latency_ms = 5", "<=, >=, <, > .* '='"),
        ("latency_ms == 5", "<=, >=, <, > .* '=='"),
        ("1 <= latency_ms <= 5", "two constraints"),
        ("latency_ms <=", "missing before 'the end'"),
        ("<= 5", "missing before 'the end'"),
        ("latency_ms <= 5 ms", "'ms'"),
        ("latency_ms <= 5ms", "'ms'"),
        ("2 latency_ms <= 5", "missing before 'latency_ms'"),
        ("latency_ms * params_m <= 5", ": 'params_m' .*linear"),
        ("1/latency_ms <= 5", ": 'latency_ms' .*linear"),
        ("latency_ms/0 <= 5", "zero"),
        ("latency_ms * + 2 <= 5", "missing before '+'"),
        ("latency_ms <= 5 +", "missing before 'the end'"),
        ("3 <= 5", "no metric"),
        ("3 < 5 - 0*flops_m", "no metric"),
        ("latency_ms - latency_ms <= 5", "no metric"),
        ("latency_ms <= 1e999", "too large"),
        ("latency_ms <= 1e300*1e300", "too large"),
        ("1e-200*latency_ms <= 1e200", "too large"),
        ("(latency_ms) <= 5", r"cannot hold '\('"),
        ("latency_ms <= __import__('os')", r"cannot hold '\('"),
        ("latency_ms; <= 5", "cannot hold ';'"),
    ],
)
def test_says_what_is_malformed(text: str, why: str) -> None:
    pattern = why.replace("+'", r"\+'")
    with pytest.raises(ConstraintError, match=pattern) as error:
        Constraint.parse(text, METRICS)
    assert "latency_ms <= 5" in str(error.value)  # an example of how to write it
    assert "\n" not in str(error.value)


def test_unknown_metric_suggests_a_known_one() -> None:
    with pytest.raises(ConstraintError, match=r"'latency'.* 'latency_ms'\?"):
        Constraint.parse("latency <= 5", METRICS)


def test_metric_that_was_not_predicted() -> None:
    constraint = Constraint.parse("flops_m <= 5", METRICS)
    with pytest.raises(ConstraintError, match="needs 'flops_m'"):
        constraint.satisfied({"latency_ms": np.ones(3)})


def test_missing_values_satisfy_nothing() -> None:
    values = {"latency_ms": np.array([1.0, np.nan])}
    for text in ("latency_ms <= 5", "latency_ms > -5"):
        assert Constraint.parse(text, METRICS).satisfied(values).tolist() == [True, False]


def _random_side(rng: random.Random) -> str:
    terms = []
    for _ in range(rng.randint(1, 4)):
        number = repr(rng.choice([rng.randint(0, 9), round(rng.uniform(0, 9), 3)]))
        metric = rng.choice(METRICS)
        forms = (number, metric, f"{number}*{metric}", f"{metric}*{number}", f"{metric} / 2.5")
        terms.append(rng.choice(["", "-"]) + rng.choice(forms))
    return rng.choice([" + ", " - ", "+", "-"]).join(terms)


def _evaluate(side: str, values: dict[str, float]) -> float:
    return float(eval(side, {"__builtins__": {}}, values))


def test_agrees_with_python_arithmetic() -> None:
    rng = random.Random(0)
    compared = 0
    for _ in range(500):
        left, right = _random_side(rng), _random_side(rng)
        relation = rng.choice(["<=", ">=", "<", ">"])
        values = {name: rng.uniform(-10, 10) for name in METRICS}
        difference = _evaluate(left, values) - _evaluate(right, values)
        bumped = [_evaluate(f"{left} - ({right})", values | {m: values[m] + 1}) for m in METRICS]
        if max(abs(other - difference) for other in bumped) < 1e-9:
            continue  # every metric cancels, or there is none: an error, tested above
        satisfied = Constraint.parse(f"{left} {relation} {right}", METRICS).satisfied(values)
        if abs(difference) > 1e-9:
            assert bool(satisfied) == _COMPARE[relation](difference, 0)
            compared += 1
    assert compared > 400


@pytest.mark.parametrize(
    ("text", "said"),
    [("latency_ms <= 0.5", "smallest .* is 1,"), ("latency_ms > 7", "largest .* is 3,")],
)
def test_infeasible_constraint_says_what_can_be_reached(text: str, said: str) -> None:
    metrics = {"latency_ms": np.array([1.0, np.nan, 3.0]), "params_m": np.ones(3)}
    parsed = [Constraint.parse(each, METRICS) for each in ("params_m <= 2", text)]
    explained = explain_infeasible(parsed, metrics, 3)
    assert re.search(said, explained)
    assert text in explained
    assert "params_m <= 2" not in explained


def test_constraints_that_exclude_each_other() -> None:
    metrics = {"latency_ms": np.array([1.0, 2.0]), "params_m": np.array([5.0, 1.0])}
    parsed = [Constraint.parse(each, METRICS) for each in ("latency_ms < 2", "params_m < 2")]
    assert "'latency_ms < 2' (1 satisfy it)" in explain_infeasible(parsed, metrics, 2)


def test_a_metric_without_any_value_says_so() -> None:
    parsed = [Constraint.parse("latency_ms < 2", METRICS)]
    assert "is nan" in explain_infeasible(parsed, {"latency_ms": np.full(2, np.nan)}, 2)
