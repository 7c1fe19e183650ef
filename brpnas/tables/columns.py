"""Names of columns: matching, aliases, and detection of a missing header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from brpnas.errors import did_you_mean
from brpnas.tables.findings import Finding, error, quoted, warning

__all__ = ["CELL", "Column", "Kind", "guess_delimiter", "looks_like_data", "match_columns"]

Kind = Literal["cell", "text", "number", "flag"]

_SIGNS = {";": "a semicolon", "\t": "a tab", "|": "a vertical bar", " ": "blanks"}
_SHOWN = 10


@dataclass(frozen=True)
class Column:
    """A possible column of a table.

    Attributes:
        name: Its name.
        kind: Kind of its values.
        required: Whether a table must have it.
        aliases: Other common names, in small letters without signs, with the conversion of their
            values; empty for none. A file with an alias instead of the column is refused, even if
            the column is optional.
        unit: Unit of its values, in words.
    """

    name: str
    kind: Kind = "text"
    required: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""

    def meant_by(self, name: str) -> bool:
        """Whether a name is this column's name or alias."""
        return _plain(name) == _plain(self.name) or _plain(name) in self.aliases


CELL = Column(
    "arch_id",
    "cell",
    required=True,
    aliases=dict.fromkeys(
        (
            *("arch", "archid", "archs", "archstr", "architecture", "architectureid"),
            *("architecturestring", "architecturestr", "cell", "cellid", "network", "model"),
            *("archindex", "index", "id"),
        ),
        "",
    ),
)
"""The architecture of a row."""


def match_columns(
    header: Sequence[str], columns: Sequence[Column]
) -> tuple[dict[str, int], list[Finding]]:
    """Find the known columns.

    Args:
        header: Names in the file.
        columns: Known columns.

    Returns:
        Position of each known column in the file, and problems: missing columns with the likely
        alternative, duplicates, and unknown columns.
    """
    found: list[Finding] = []
    for name, count in sorted(Counter(header).items()):
        if count > 1:
            message = f"the column {quoted(name)} comes {count} times."
            remedy = "Keep one of them, or rename the other."
            found.append(error("duplicate column", message, remedy))
    known = [column.name for column in columns]
    first = {name: i for i, name in reversed(list(enumerate(header)))}
    unknown = [name for name in first if name not in known]
    unknown.sort(key=first.__getitem__)
    for column in columns:
        if column.name in first:
            continue
        meant = _meant(column, unknown)
        if column.required or (meant is not None and _plain(meant) in column.aliases):
            unknown = [other for other in unknown if other != meant]
            found.append(_missing(column, meant, header))
    if unknown:
        found.append(_ignored(unknown, known))
    return {name: first[name] for name in known if name in first}, found


def guess_delimiter(header: Sequence[str], columns: Sequence[Column]) -> str:
    """Delimiter in words if it is clearly not a comma; else empty."""
    required = [column for column in columns if column.required]
    if len(header) > 1 or any(column.meant_by(header[0]) for column in required):
        return ""
    for sign, words in _SIGNS.items():
        parts = re.split(f"{re.escape(sign)}+", header[0].strip())
        if len(parts) > 1 and all(any(map(column.meant_by, parts)) for column in required):
            return words
    return ""


def looks_like_data(line: Sequence[str]) -> bool:
    """Whether a first line holds a cell or a number instead of names."""
    values = [part.strip() for value in line for part in re.split(r"[;\t]", value)]
    return any(
        value.startswith("|") or re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", value, re.IGNORECASE)
        for value in values
    )


def _plain(name: str) -> str:
    """A name without case, blanks, brackets and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("µ", "u").replace("μ", "u"))


def _meant(column: Column, unknown: Sequence[str]) -> str | None:
    """The unknown column that likely holds a required one."""
    name = _plain(column.name)
    close = [other for other in unknown if _plain(other) == name]
    close += [other for other in unknown if _plain(other) in column.aliases]
    close += [other for other in unknown[:_SHOWN] if did_you_mean(_plain(other), [name])]
    return close[0] if close else None


def _missing(column: Column, meant: str | None, header: Sequence[str]) -> Finding:
    name = column.name
    if meant is None:
        message = f"there is no column {name!r} among {_listed(header)}."
        return error("missing column", message, f"Add the column {name!r}.")
    message = f"there is no column {name!r}; probably it is {quoted(meant)}."
    convert = column.aliases.get(_plain(meant), "")
    if convert:
        message += f" By its name it is not in {column.unit}."
        return error("missing column", message, f"{convert} and rename the column to {name!r}.")
    unit = f" if it is in {column.unit}" if column.unit else ""
    return error("missing column", message, f"Rename the column to {name!r}{unit}.")


def _ignored(unknown: Sequence[str], known: Sequence[str]) -> Finding:
    hints = []
    for name in unknown[:_SHOWN]:
        hint = did_you_mean(name, known) if name else " (without a name: perhaps a row number)"
        hints.append(f"{quoted(name)}{hint}")
    more = f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
    message = f"{', '.join(hints)}{more}: not known and not read."
    remedy = f"Remove unneeded columns; known are {', '.join(known)}."
    return warning("unknown column", message, remedy)


def _listed(header: Sequence[str]) -> str:
    more = f" and {len(header) - _SHOWN:,} more" if len(header) > _SHOWN else ""
    return ", ".join(quoted(name) for name in header[:_SHOWN]) + more
