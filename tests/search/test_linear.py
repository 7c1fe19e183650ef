from __future__ import annotations

import operator
import random

import pytest

from brpnas.errors import ConstraintError
from brpnas.search._linear import parse_comparison

COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
NAMES = ("a", "b", "c_1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <= 5", ({"a": 1.0}, "<=", 5.0)),
        ("5 <= a", ({"a": 1.0}, ">=", 5.0)),
        ("1 > b", ({"b": 1.0}, "<", 1.0)),
        ("a - 2 < b", ({"a": 1.0, "b": -1.0}, "<", 2.0)),
        ("3*a*2/4 >= .3e1", ({"a": 1.0}, ">=", 2.0)),
        ("a + b - a > 1", ({"b": 1.0}, ">", 1.0)),
        ("--a <= +-+2", ({"a": 1.0}, "<=", -2.0)),
        ("  a<=\t5\n", ({"a": 1.0}, "<=", 5.0)),
        ("1 <= 2 - a", ({"a": 1.0}, "<=", 1.0)),
        ("b + 0.1*a < 0.3", ({"a": 1.0, "b": 10.0}, "<", 3.0)),
        ("a <= 0.1 + 0.2", ({"a": 1.0}, "<=", 0.3)),
    ],
)
def test_terms_go_left_and_numbers_right(
    text: str, expected: tuple[dict[str, float], str, float]
) -> None:
    assert parse_comparison(text) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has none"),
        ("a", "has none"),
        ("a != 5", "has '!='"),
        ("1 < a < 2", "has '<', '<'"),
        ("a <= ", "before 'the end'"),
        ("a b <= 1", "missing before 'b'"),
        ("a*b <= 1", ": 'b' "),
        ("1/a <= 1", ": 'a' "),
        ("a/0 <= 1", "zero"),
        ("a*+1 <= 1", "missing before '\\+'"),
        ("a - a <= 1", "no metric"),
        ("1 <= 2", "no metric"),
        ("a <= 1e400", "too large"),
        ("1e200*1e200*a <= 1", "too large"),
        ("1e-200*1e-200*a <= 1", "too small"),
        ("1e200*a + 1e-200*b <= 1", "too small"),
        ("a.b <= 1", "cannot hold '\\.'"),
        ("f(a) <= 1", r"cannot hold '\('"),
        ("a[0] <= 1", r"cannot hold '\['"),
        ("a <= 'x'", "cannot hold"),
    ],
)
def test_says_what_is_wrong_and_how_to_write_it(text: str, why: str) -> None:
    with pytest.raises(ConstraintError, match=why) as error:
        parse_comparison(text)
    assert repr(text) in str(error.value)
    assert "'latency_ms <= 5'" in str(error.value)


def random_side(rng: random.Random) -> str:
    """A sum of products of numbers and at most one name each, as Python would read it too."""
    terms = []
    for _ in range(rng.randint(1, 4)):
        factors = [str(rng.choice([1, 2, 0.5, 0.25, 3])) for _ in range(rng.randint(0, 2))]
        if not factors or rng.random() < 0.6:
            factors.append(rng.choice(NAMES))
        rng.shuffle(factors)
        divisor = rng.choice(["", "/2", "/4"])
        terms.append(rng.choice(["", "-"]) + "*".join(factors) + divisor)
    return " + ".join(terms)


@pytest.mark.parametrize("seed", range(200))
def test_agrees_with_python(seed: int) -> None:
    """Python's own reading of the text is the oracle; the library never evaluates any."""
    rng = random.Random(seed)
    relation = rng.choice(list(COMPARE))
    text = f"only_left + {random_side(rng)} {relation} {random_side(rng)}"
    terms, found, bound = parse_comparison(text)
    assert 0 not in terms.values()
    for _ in range(5):
        values = {name: rng.randint(-9, 9) + 0.37 for name in (*NAMES, "only_left")}
        left = sum(coefficient * values[name] for name, coefficient in terms.items())
        # A tie may fall to either side by rounding.
        if abs(left - bound) > 1e-9:
            assert COMPARE[found](left, bound) == eval(text, {}, dict(values))
