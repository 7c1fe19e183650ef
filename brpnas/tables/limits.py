"""Limits of a table. Larger ones are refused before reading."""

from __future__ import annotations

from brpnas.tables.findings import Finding, error

__all__ = [
    "MAX_BYTES",
    "MAX_COLUMNS",
    "MAX_GROUPS",
    "MAX_LINES",
    "MAX_ROWS",
    "MAX_TEXT",
    "MAX_VALUES",
    "too_large",
]

MAX_BYTES = 64 * 2**20
"""Most bytes of a file."""
MAX_ROWS = 1_000_000
"""Most rows of a table, unless its reader allows fewer."""
MAX_LINES = 2 * MAX_ROWS
"""Most lines of a text file, blank ones included."""
MAX_GROUPS = 10_000
"""Most row groups of a Parquet file."""
MAX_COLUMNS = 1_000
"""Most columns of a table."""
MAX_VALUES = 10_000_000
"""Most values of a table, including unknown columns and lists in Parquet."""
MAX_TEXT = 10_000
"""Most characters of a value."""


def too_large(what: str, count: int, most: int, *, at_least: bool = False) -> Finding:
    """The finding about an exceeded limit.

    Args:
        what: Name of the counted things, in the plural.
        count: Their number.
        most: The limit.
        at_least: Whether counting stopped there.
    """
    more = "at least " * at_least
    message = f"there are {more}{count:,} {what}, more than {most:,}. Nothing was read."
    return error(f"too many {what}", message, "Keep what is needed, or split the table.")
