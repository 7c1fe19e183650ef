"""Plain text of the command line: tables and lists of fields, aligned by blanks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["fields", "megabytes", "table"]

_GAP = "  "


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()) -> str:
    """Lay out a table; the last column has no limit.

    Args:
        header: Names of the columns.
        rows: Cells, one per column in each row.
        right: Right-aligned columns, such as numbers.

    Examples:
        >>> print(table(["ms", "cell"], [["1.25", "a"], ["10.50", "b"]], right=["ms"]))
           ms  cell
         1.25  a
        10.50  b
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        _GAP.join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for cell, width, name in zip(line, widths, header, strict=True)
        ).rstrip()
        for line in lines
    )


def fields(values: Mapping[str, str]) -> str:
    """Lay out named values, one per line, without the empty ones."""
    width = max(map(len, values))
    return "\n".join(f"{name.ljust(width)}{_GAP}{value}" for name, value in values.items() if value)


def megabytes(size: int) -> str:
    """Size in bytes as megabytes, such as ``2.84 MB``."""
    return f"{size / 1e6:.2f} MB"
