"""How large a table may be. What is larger is refused before it is read."""

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
"""Bytes of a file."""
MAX_ROWS = 1_000_000
"""Rows of a table, where its reader allows no fewer."""
MAX_LINES = 2 * MAX_ROWS
"""Lines of a text file, blank ones included."""
MAX_GROUPS = 10_000
"""Groups of rows of a Parquet file."""
MAX_COLUMNS = 1_000
"""Columns of a table."""
MAX_VALUES = 10_000_000
"""Values of a table, those of unknown columns and of lists in Parquet included."""
MAX_TEXT = 10_000
"""Characters of a value."""


def too_large(what: str, count: int, most: int, *, at_least: bool = False) -> Finding:
    """The finding about a size above its limit.

    Args:
        what: What is counted, in the plural.
        count: How many there are.
        most: The limit.
        at_least: Whether counting ended there.
    """
    more = "at least " * at_least
    message = f"there are {more}{count:,} {what}, and {most:,} are the limit. Nothing was read."
    return error(f"too many {what}", message, "Keep what is needed, or split the table.")
