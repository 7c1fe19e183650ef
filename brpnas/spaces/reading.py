"""The architectures of a table, in any notation of a space."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from brpnas.errors import ArchitectureError, shortened
from brpnas.tables import Finding, error, quoted

__all__ = ["read_column"]

_REASON = 600
"""Most characters of a reason in a message; it may quote its text."""


def read_column(
    texts: Sequence[str], lines: Sequence[int], read: Callable[[str], str]
) -> tuple[list[str | None], list[Finding]]:
    """Read the architectures of a table by a function from text to ``arch_id``.

    Returns:
        ``arch_id`` of each text, None if invalid, and the findings with their lines.
    """
    arch_ids: list[str | None] = []
    wrong: list[int] = []
    reason = ""
    for text, line in zip(texts, lines, strict=True):
        try:
            arch_ids.append(read(text) if text else None)
        except ArchitectureError as why:
            arch_ids.append(None)
            wrong.append(line)
            reason = reason or shortened(str(why), _REASON)
    found = []
    missing = [line for text, line in zip(texts, lines, strict=True) if not text]
    if missing:
        remedy = "Name the cell, or remove the row."
        found.append(error("missing cell", "arch_id is empty.", remedy, missing))
    if wrong:
        first = "" if len(wrong) == 1 else "the first: "
        remedy = "Write cells of the space in one of its notations, or remove the rows."
        found.append(error("unknown cell", first + reason, remedy, wrong))
    return arch_ids, found + _lost_zeros(texts, arch_ids, lines)


def _lost_zeros(
    texts: Sequence[str], arch_ids: Sequence[str | None], lines: Sequence[int]
) -> list[Finding]:
    """Codes and shorter whole numbers in one column: a spreadsheet drops leading zeros."""
    read = [i for i, arch_id in enumerate(arch_ids) if arch_id and texts[i].isdigit()]
    longest = max((len(texts[i]) for i in read), default=0)
    codes = [i for i in read if len(texts[i]) == longest and re.fullmatch("[0-4]{6,}", texts[i])]
    short = [i for i in read if len(texts[i]) < longest]
    if not codes or not short:
        return []
    message = (
        f"{quoted(texts[short[0]])} is read as an index, but other rows hold operation codes, such "
        f"as {quoted(texts[codes[0]])}; a spreadsheet removes the zeros at the beginning of codes."
    )
    remedy = "Write codes with all their digits, or as (0, 0, 0, 2, 0, 0) in double quotes."
    return [error("ambiguous cell", message, remedy, [lines[i] for i in short])]
