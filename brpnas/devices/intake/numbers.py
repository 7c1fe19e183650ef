"""Numbers as people write them in a table, read strictly; what is none is given a name."""

from __future__ import annotations

import math
import re

__all__ = ["REMEDIES", "read_number"]

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_NAN = {"-", "--", "?", "nan", "na", "n/a", "#n/a", "null", "none", "<na>"}
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_COMMA = re.compile(r"[+-]?\d+(,\d+)+(\.\d+)?", re.ASCII)
_WITH_UNIT = re.compile(r"[+-]?[\d.]+\s*(ms|s|us|µs|μs|ns|sec|msec)", re.IGNORECASE)

_MISSING = "Measure the cell, or remove the row."
REMEDIES = {
    "missing": ("there is no value.", _MISSING),
    "NaN": ("the value stands for a missing one; the measurement may have failed.", _MISSING),
    "infinite": ("the value is infinite; the measurement may have run out of time.", _MISSING),
    "negative": ("the value is below zero; this often marks a failed measurement.", _MISSING),
    "decimal comma in": (
        "the value has a decimal comma, or one that separates thousands.",
        "Write numbers with a decimal point, 4.31, and without separators.",
    ),
    "unit within": (
        "the value has its unit beside it.",
        "Write numbers alone, all of them in milliseconds.",
    ),
    "text as": ("the value is no number.", "Write a number, or remove the row."),
}
"""By what is wrong with a value: the likely cause, and how to mend it."""


def read_number(text: str) -> tuple[float, str]:
    """Read a number.

    Returns:
        The number and an empty string; or NaN and what is wrong, a key of `REMEDIES`.

    Example:
        >>> read_number("4.31"), read_number("4,31")[1], read_number("-1")[1]
        ((4.31, ''), 'decimal comma in', 'negative')
    """
    if not text:
        return math.nan, "missing"
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
