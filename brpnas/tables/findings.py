"""Findings of reading a table, and their report: problems, rows, causes, remedies.

`refusal_text` reports why a file is refused, `warning_text` the oddities of an accepted file;
`check` raises the first if there is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from brpnas.errors import IntakeError

__all__ = [
    "Finding",
    "Severity",
    "check",
    "error",
    "quoted",
    "refusal_text",
    "row_word",
    "rows_text",
    "warning",
    "warning_text",
]

Severity = Literal["error", "warning"]
"""An error refuses the file; a warning flags rows that are kept unchanged."""

_SHOWN = 5
_CHARACTERS = 120


@dataclass(frozen=True)
class Finding:
    """One problem or oddity of a table.

    Attributes:
        severity: Whether it refuses the file.
        kind: Short name, such as ``negative latency``.
        message: The problem and, if possible, its likely cause.
        rows: Lines of a CSV file (the header is line 1), or rows of a Parquet file from 1. Empty
            for a problem of the file or a column.
        remedy: The remedy.
    """

    severity: Severity
    kind: str
    message: str
    rows: tuple[int, ...] = ()
    remedy: str = ""


def error(kind: str, message: str, remedy: str, rows: Iterable[int] = ()) -> Finding:
    """Make a finding of severity error."""
    return Finding("error", kind, message, tuple(int(row) for row in rows), remedy)


def warning(kind: str, message: str, remedy: str = "", rows: Iterable[int] = ()) -> Finding:
    """Make a finding of severity warning."""
    return Finding("warning", kind, message, tuple(int(row) for row in rows), remedy)


def quoted(text: str, most: int = _CHARACTERS) -> str:
    """A value in messages: in quotes, control characters escaped, shortened.

    Examples:
        >>> quoted("abcdefgh", 3)
        "'abc' and 5 more characters"
    """
    more = len(text) - most
    return repr(text) if more <= 0 else f"{text[:most]!r} and {more:,} more characters"


def check(path: Path, findings: Sequence[Finding]) -> None:
    """Refuse a file if one of the findings is an error.

    Raises:
        IntakeError: With a report of all of them.
    """
    if any(finding.severity == "error" for finding in findings):
        raise IntakeError(refusal_text(path, findings), findings)


def row_word(path: Path) -> str:
    """Name of a file's rows in messages: line, or row for Parquet."""
    return "row" if path.suffix.lower() == ".parquet" else "line"


def rows_text(rows: Sequence[int], word: str) -> str:
    """The first rows, and their number.

    Examples:
        >>> rows_text([7, 9, 12, 15, 20, 31, 40], "line")
        'lines 7, 9, 12, 15, 20 and 2 more (7 in all)'
    """
    shown = ", ".join(map(str, rows[:_SHOWN]))
    more = f" and {len(rows) - _SHOWN:,} more ({len(rows):,} in all)"
    return f"{word}{'s' * (len(rows) != 1)} {shown}{more * (len(rows) > _SHOWN)}"


def refusal_text(path: Path, findings: Sequence[Finding]) -> str:
    """Report on a refused file: all problems, then the warnings."""
    word = row_word(path)
    problems = [finding for finding in findings if finding.severity == "error"]
    others = [finding for finding in findings if finding.severity == "warning"]
    count = f"{len(problems)} problem{'s' * (len(problems) != 1)}"
    name = str(path) if str(path).isprintable() else repr(str(path))
    lines = [f"{name} is refused and nothing was written: {count}."]
    for number, finding in enumerate(problems, start=1):
        lines += _lines(finding, f"{number}.", word)
    if others:
        lines += ["Also noticed:", *warning_text(others, word)]
    return "\n".join(lines)


def warning_text(findings: Iterable[Finding], word: str) -> list[str]:
    """Lines of warnings as a list."""
    return [line for finding in findings for line in _lines(finding, "-", word)]


def _lines(finding: Finding, bullet: str, word: str) -> list[str]:
    where = f", {rows_text(finding.rows, word)}" if finding.rows else ""
    lines = [f"  {bullet} {finding.kind}{where}: {finding.message}"]
    if finding.remedy:
        lines.append(f"  {' ' * len(bullet)} Remedy: {finding.remedy}")
    return lines
