"""Reads a linear comparison such as ``2*a + 0.5*b - 1 <= 7`` without evaluating anything."""

from __future__ import annotations

import math
import re

from brpnas.errors import ConstraintError

__all__ = ["parse_comparison"]

_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<relation>[<>=!]=?)"
    r"|(?P<sign>[-+])"
    r"|(?P<factor>[*/])"
)
_FLIPPED = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}
_CONSTANT = ""

Token = tuple[str, str]
Sum = dict[str, float]


def parse_comparison(text: str) -> tuple[dict[str, float], str, float]:
    """Read a comparison and bring it to the form ``sum of terms, relation, number``.

    Returns:
        Coefficient of each name (never zero), the relation, and the number. Names that stand on the
        right side only are moved to the left by turning the comparison round.

    Raises:
        ConstraintError: If the text is malformed or no name remains; says what is wrong.
    """
    tokens = _tokenise(text)
    places = [i for i, (kind, _) in enumerate(tokens) if kind == "relation"]
    if len(places) != 1 or tokens[places[0]][1] not in _FLIPPED:
        found = ", ".join(repr(tokens[i][1]) for i in places) or "none"
        raise _malformed(
            text,
            f"it needs exactly one of <=, >=, <, > and has {found}; a range is two constraints",
        )
    left, right = _sum(text, tokens[: places[0]]), _sum(text, tokens[places[0] + 1 :])
    relation = tokens[places[0]][1]
    if set(left) == {_CONSTANT}:
        left, right, relation = right, left, _FLIPPED[relation]
    names = dict.fromkeys(name for name in (*left, *right) if name != _CONSTANT)
    terms = {name: left.get(name, 0.0) - right.get(name, 0.0) for name in names}
    terms = {name: coefficient for name, coefficient in terms.items() if coefficient != 0}
    if not terms:
        raise _malformed(text, "it constrains no metric")
    bound = right[_CONSTANT] - left[_CONSTANT]
    if not all(math.isfinite(number) for number in (bound, *terms.values())):
        raise _malformed(text, "a number in it is too large")
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
    """Coefficients of one side; the constant stands under the empty name."""
    total: Sum = {_CONSTANT: 0.0}
    position = 0
    while True:
        sign = 1.0
        if position and (position >= len(tokens) or tokens[position][0] != "sign"):
            if position >= len(tokens):
                return total
            raise _malformed(text, f"+, - or * is missing before {tokens[position][1]!r}")
        while position < len(tokens) and tokens[position][0] == "sign":
            sign = -sign if tokens[position][1] == "-" else sign
            position += 1
        name, coefficient, position = _product(text, tokens, position)
        total[name] = total.get(name, 0.0) + sign * coefficient


def _product(text: str, tokens: list[Token], position: int) -> tuple[str, float, int]:
    """One term from ``position`` on: its name, its coefficient, and where the next one begins."""
    name, coefficient, action = _CONSTANT, 1.0, "*"
    while True:
        kind, value = tokens[position] if position < len(tokens) else ("end", "the end")
        if kind == "number":
            number = float(value)
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


def _malformed(text: str, why: str) -> ConstraintError:
    return ConstraintError(
        f"Cannot read the constraint {text!r}: {why}. Write it like 'latency_ms <= 5' or "
        "'latency_ms + 0.5*params_m <= 7'."
    )
