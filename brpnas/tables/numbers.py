"""Numbers in a user's table, read strictly; other text is classified."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from brpnas.tables.findings import Finding, error, quoted

__all__ = ["REMEDIES", "examples", "read_number", "read_numbers"]

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NAN = {"-", "--", "?", "nan", "na", "n/a", "#n/a", "null", "none", "<na>"}
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?\d+(,\d+)+(\.\d+)?", re.ASCII)
_WITH_UNIT = re.compile(r"[+-]?[\d.]+\s*(ms|s|us|µs|μs|ns|sec|msec)", re.IGNORECASE)

_LONGEST = 64
"""Most characters of a number."""
_SHOWN = 3
_MISSING = "Measure the cell, or remove the row."
REMEDIES = {
    "missing": ("there is no value.", _MISSING),
    "NaN": ("the value marks a missing one; the measurement may have failed.", _MISSING),
    "infinite": ("the value is infinite; the measurement may have run out of time.", _MISSING),
    "negative": ("the value is below zero; this often marks a failed measurement.", _MISSING),
    "decimal comma in": (
        "the value has a decimal comma, or a comma between thousands.",
        "Write numbers with a decimal point, 4.31, and without separators.",
    ),
    "unit within": (
        "the value includes its unit.",
        "Write numbers alone, all of them in milliseconds.",
    ),
    "text as": ("the value is not a number.", "Write a number, or remove the row."),
}
"""Likely cause and remedy by kind of problem."""


def read_number(text: str) -> tuple[float, str]:
    """Read a number.

    Returns:
        The number and an empty string; or NaN and the problem, a key of `REMEDIES`.

    Examples:
        >>> read_number("4.31"), read_number("4,31")[1], read_number("-1")[1]
        ((4.31, ''), 'decimal comma in', 'negative')
    """
    if not text or len(text) > _LONGEST:
        return math.nan, "text as" if text else "missing"
    if _NUMBER.fullmatch(text):
        value = float(text)
        wrong = "infinite" if math.isinf(value) else "negative" if value < 0 else ""
        return (math.nan, wrong) if wrong else (value, "")
    if text.lower() in _NAN:
        return math.nan, "NaN"
    if _INFINITE.fullmatch(text):
        return math.nan, "infinite"
    if _COMMA.fullmatch(text):
        return math.nan, "decimal comma in"
    return math.nan, "unit within" if _WITH_UNIT.fullmatch(text) else "text as"


def read_numbers(
    what: str, texts: Sequence[str], lines: Sequence[int], *, may_miss: Sequence[str] = ()
) -> tuple[list[float], list[Finding]]:
    """Read a column of numbers from zero.

    Args:
        what: Name of the column in messages.
        texts: The values.
        lines: Line of each.
        may_miss: Accepted keys of `REMEDIES`, such as ``missing``.

    Returns:
        The numbers, NaN for unreadable ones, and a finding for each kind of problem.
    """
    values: list[float] = []
    wrong: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        value, why = read_number(text)
        values.append(value)
        if why and why not in may_miss:
            wrong.setdefault(why, []).append(i)
    found = []
    for why, rows in wrong.items():
        cause, remedy = REMEDIES[why]
        shown = examples([texts[i] for i in rows])
        where = [lines[i] for i in rows]
        found.append(error(f"{why} {what}", f"{what} {shown}: {cause}", remedy, where))
    return values, found


def examples(texts: Sequence[str]) -> str:
    """The first distinct values, quoted."""
    different = list(dict.fromkeys(texts))
    more = ", ..." if len(different) > _SHOWN else ""
    return ", ".join(quoted(text) for text in different[:_SHOWN]) + more
