"""Reads a linear comparison such as ``2*a + 0.5*b - 1 <= 7`` without evaluating anything."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction

from brpnas.errors import ConstraintError

__all__ = ["parse_comparison"]

_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*(?:@[\w.-]*)?)"
    r"|(?P<relation>[<>=!]=?)"
    r"|(?P<sign>[-+])"
    r"|(?P<factor>[*/])"
)
_FLIPPED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}
_CONSTANT = ""

Token = tuple[str, str]
Sum = dict[str, Fraction]


def parse_comparison(
    text: str, rename: Callable[[str], str] = str
) -> tuple[dict[str, float], str, float]:
    """Read a comparison and bring it to its normal form ``sum of terms, relation, number``.

    All names are on the left side in alphabetical order, and the coefficient of the first is 1:
    ``3 >= a``, ``-a >= -3`` and ``2*a <= 6`` all become ``a <= 3``. Arithmetic on the decimal
    fractions is exact. A name may continue with ``@`` and letters, digits, ``.``, ``_`` and ``-``;
    a minus sign after such a name needs a space before it.

    Args:
        text: The comparison.
        rename: Gives the name of each name read; terms of equal names are added.

    Returns:
        Coefficient of each name (never zero), the relation, and the number.

    Raises:
        ConstraintError: If the text is malformed or no name remains; gives the reason.
    """
    tokens = [(kind, rename(value) if kind == "name" else value) for kind, value in _tokenise(text)]
    places = [i for i, (kind, _) in enumerate(tokens) if kind == "relation"]
    if len(places) != 1 or tokens[places[0]][1] not in _FLIPPED:
        found = ", ".join(repr(tokens[i][1]) for i in places) or "none"
        raise _malformed(
            text,
            f"it needs exactly one of <=, >=, <, > and has {found}; a range is two constraints",
        )
    left, right = _sum(text, tokens[: places[0]]), _sum(text, tokens[places[0] + 1 :])
    relation = tokens[places[0]][1]
    zero = Fraction(0)
    names = sorted({*left, *right} - {_CONSTANT})
    moved = {name: left.get(name, zero) - right.get(name, zero) for name in names}
    moved = {name: coefficient for name, coefficient in moved.items() if coefficient != 0}
    if not moved:
        raise _malformed(text, "it constrains no metric")
    first = next(iter(moved.values()))
    if first < 0:
        relation = _FLIPPED[relation]
    moved[_CONSTANT] = right[_CONSTANT] - left[_CONSTANT]
    try:
        sizes = [float(number) for number in moved.values()]
        terms = {name: float(number / first) for name, number in moved.items()}
    except OverflowError:
        raise _malformed(text, "a number in it is too large or too small") from None
    bound = terms.pop(_CONSTANT)
    if not (all(sizes[:-1]) and all(terms.values())):
        raise _malformed(text, "a number in it is too large or too small")
    return terms, relation, bound


def _tokenise(text: str) -> list[Token]:
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TOKEN.match(text, position)
        if match is None:
            raise _malformed(text, f"it cannot hold {text[position]!r}")
        tokens.append((str(match.lastgroup), match.group()))
        position = match.end()
    return tokens


def _sum(text: str, tokens: list[Token]) -> Sum:
    """Coefficients of one side; the constant has the empty name."""
    total: Sum = {_CONSTANT: Fraction(0)}
    position = 0
    while True:
        sign = 1
        if position and (position >= len(tokens) or tokens[position][0] != "sign"):
            if position >= len(tokens):
                return total
            raise _malformed(text, f"+, - or * is missing before {tokens[position][1]!r}")
        while position < len(tokens) and tokens[position][0] == "sign":
            sign = -sign if tokens[position][1] == "-" else sign
            position += 1
        name, coefficient, position = _product(text, tokens, position)
        total[name] = total.get(name, Fraction(0)) + sign * coefficient


def _product(text: str, tokens: list[Token], position: int) -> tuple[str, Fraction, int]:
    """The term at ``position``: its name, its coefficient, and the position after it."""
    name, coefficient, action = _CONSTANT, Fraction(1), "*"
    while True:
        kind, value = tokens[position] if position < len(tokens) else ("end", "the end")
        if kind == "number":
            number = _number(text, value)
            if action == "/" and number == 0:
                raise _malformed(text, "it divides by zero")
            coefficient = coefficient / number if action == "/" else coefficient * number
        elif kind == "name" and action == "*" and name == _CONSTANT:
            name = value
        elif kind == "name":
            raise _malformed(text, f"{value!r} makes it not linear")
        else:
            raise _malformed(text, f"a number or a metric is missing before {value!r}")
        position += 1
        if position >= len(tokens) or tokens[position][0] != "factor":
            return name, coefficient, position
        action = tokens[position][1]
        position += 1


def _number(text: str, digits: str) -> Fraction:
    """The shortest decimal fraction of the same float: exponents stay small."""
    number = float(digits)
    if not math.isfinite(number):
        raise _malformed(text, "a number in it is too large")
    return Fraction(repr(number))


def _malformed(text: str, why: str) -> ConstraintError:
    return ConstraintError(
        f"Cannot read the constraint {text!r}: {why}. Write it like 'latency_ms <= 5', "
        "'latency_ms@my-phone <= 20' or 'latency_ms + 0.5*params_m <= 7'."
    )
