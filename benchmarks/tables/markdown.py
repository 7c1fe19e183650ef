"""Markdown tables, and means with their spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["Result", "markdown", "percent", "spread"]

Result = Mapping[str, Any]


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def spread(value: Sequence[float] | float | None, digits: int = 2, factor: float = 1.0) -> str:
    """Mean ± standard deviation, or a single number."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return f"{factor * value:.{digits}f}"
    mean, deviation = (factor * number for number in value[:2])
    return f"{mean:.{digits}f}" + (f" ± {deviation:.{digits}f}" if deviation else "")


def percent(share: float) -> str:
    """A fraction in percent."""
    return f"{100 * share:.2f} %"
