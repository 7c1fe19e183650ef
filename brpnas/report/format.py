"""Numbers as text for the report.

Only these functions convert fractions and milliseconds into percent and digits, so that a quantity
looks the same everywhere. Missing values (None, NaN, NA) become a dash.
"""

from __future__ import annotations

import math
from typing import SupportsFloat

import pandas as pd

__all__ = [
    "MISSING",
    "as_float",
    "correlation",
    "milliseconds",
    "percent",
    "plain",
    "points",
    "signed_percent",
]

MISSING = "–"
"""Text of a missing number."""


def as_float(value: object) -> float | None:
    """Return the number, or None for None, NaN and NA.

    Raises:
        TypeError: If the value is not a number at all.
    """
    if value is None or value is pd.NA:
        return None
    if not isinstance(value, SupportsFloat):
        raise TypeError(f"{value!r} is not a number.")
    number = float(value)
    return None if math.isnan(number) else number


def percent(value: object, digits: int = 2) -> str:
    """Write a fraction in percent: ``0.7351`` is ``73.51 %``."""
    number = as_float(value)
    return MISSING if number is None else f"{_round(100 * number, digits)} %"


def signed_percent(value: object) -> str:
    """Write a relative error in percent with its sign: ``-0.072`` is ``-7.2 %``."""
    number = as_float(value)
    return MISSING if number is None else f"{100 * number:+.1f} %"


def points(value: object) -> str:
    """Write a difference of fractions in percentage points: ``0.0035`` is ``0.35``."""
    number = as_float(value)
    return MISSING if number is None else _round(100 * number, 2)


def milliseconds(value: object) -> str:
    """Write a latency in milliseconds, with three digits or more: ``3.417`` is ``3.42 ms``."""
    number = as_float(value)
    if number is None:
        return MISSING
    if number == 0 or not math.isfinite(number):
        return f"{number:g} ms"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:.{digits}f} ms"


def correlation(value: object) -> str:
    """Write a rank correlation with three digits."""
    number = as_float(value)
    return MISSING if number is None else _round(number, 3)


def plain(value: object) -> str:
    """Write a setting: floats in short form, thousands of whole numbers separated, lists joined."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return MISSING if math.isnan(value) else f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    return MISSING if value is None or value is pd.NA else str(value)


def _round(number: float, digits: int) -> str:
    text = f"{number:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text  # no "-0.00"
