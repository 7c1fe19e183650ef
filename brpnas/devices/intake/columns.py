"""Names of columns: which are known, which are meant, and whether a line is a header at all."""

from __future__ import annotations

import re
from collections.abc import Sequence

from brpnas.devices.intake.findings import Finding, error, warning
from brpnas.errors import did_you_mean

__all__ = ["KNOWN", "REQUIRED", "guess_delimiter", "looks_like_data", "match_columns"]

REQUIRED = ("arch_id", "latency_ms")
KNOWN = (*REQUIRED, "std_ms", "repeats", "device")

_CELLS = {
    *("arch", "archid", "archs", "archstr", "architecture", "architectureid", "architecturestring"),
    *("architecturestr", "cell", "cellid", "network", "model", "archindex", "index", "id"),
}
_TIMES = (
    *("latency", "lat", "time", "runtime", "inference", "inferencetime", "duration", "mean"),
    *("meanlatency", "latencymean", "avglatency", "latencyavg", "median", "medianlatency"),
)
_UNITS = {
    "": "",
    **dict.fromkeys(("ms", "msec", "millis", "milliseconds"), ""),
    **dict.fromkeys(("s", "sec", "secs", "seconds"), "Multiply it by 1,000"),
    **dict.fromkeys(("us", "usec", "micros", "microseconds"), "Divide it by 1,000"),
    **dict.fromkeys(("ns", "nsec", "nanoseconds"), "Divide it by 1,000,000"),
}
_LATENCIES = {f"{time}{unit}": remedy for time in _TIMES for unit, remedy in _UNITS.items()} | {
    unit: remedy for unit, remedy in _UNITS.items() if unit
}
_SIGNS = {";": "a semicolon", "\t": "a tab", "|": "a vertical bar", " ": "blanks"}


def match_columns(header: Sequence[str]) -> tuple[dict[str, int], list[Finding]]:
    """Find the known columns.

    Returns:
        Position of each known column that is there, and what is wrong: columns that are missing,
        with the one that seems to be meant, that come twice, or that nothing knows.
    """
    found: list[Finding] = []
    for name in sorted({name for name in header if header.count(name) > 1}):
        message = f"the column {name!r} comes {header.count(name)} times."
        found.append(error("duplicate column", message, "Keep one of them, or rename the other."))
    columns = {name: header.index(name) for name in KNOWN if name in header}
    unknown = [name for name in dict.fromkeys(header) if name not in KNOWN]
    for name in REQUIRED:
        if name not in columns:
            meant = _meant(name, unknown)
            unknown = [other for other in unknown if other != meant]
            found.append(_missing(name, meant, header))
    if unknown:
        found.append(_ignored(unknown))
    return columns, found


def guess_delimiter(header: Sequence[str]) -> str:
    """What separates the columns, in words, if it is not a comma; empty if it is or is unclear."""
    if len(header) > 1:
        return ""
    for sign, words in _SIGNS.items():
        parts = [_plain(part) for part in re.split(f"{re.escape(sign)}+", header[0].strip())]
        cells = [part for part in parts if part in _CELLS]
        if cells and any(part in _LATENCIES for part in parts):
            return words
    return ""


def looks_like_data(line: Sequence[str]) -> bool:
    """Whether a first line holds a cell or a number where names belong."""
    values = [part.strip() for value in line for part in re.split(r"[;\t]", value)]
    return any(
        value.startswith("|") or re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", value, re.IGNORECASE)
        for value in values
    )


def _plain(name: str) -> str:
    """A name without case, blanks, brackets and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("µ", "u").replace("μ", "u"))


def _meant(name: str, unknown: Sequence[str]) -> str | None:
    """The unknown column that a required one seems to go by."""
    aliases = _CELLS if name == "arch_id" else _LATENCIES
    close = [other for other in unknown if _plain(other) == _plain(name)]
    close += [other for other in unknown if _plain(other) in aliases]
    close += [other for other in unknown if did_you_mean(_plain(other), [_plain(name)])]
    return close[0] if close else None


def _missing(name: str, meant: str | None, header: Sequence[str]) -> Finding:
    if meant is None:
        shown = ", ".join(repr(other) for other in header)
        message = f"there is no column {name!r} among {shown}."
        return error("missing column", message, f"Add the column {name!r}.")
    message = f"there is no column {name!r}; {meant!r} seems to be meant."
    convert = "" if name == "arch_id" else _LATENCIES.get(_plain(meant), "")
    if convert:
        message += " By its name it is not in milliseconds."
        return error("missing column", message, f"{convert} and rename the column to {name!r}.")
    in_ms = " if it is in milliseconds" if name == "latency_ms" else ""
    return error("missing column", message, f"Rename the column to {name!r}{in_ms}.")


def _ignored(unknown: Sequence[str]) -> Finding:
    hints = []
    for name in unknown:
        hint = did_you_mean(name, KNOWN) if name else " (without a name: perhaps a row number)"
        hints.append(f"{name!r}{hint}")
    message = f"{', '.join(hints)}: not known and not read."
    remedy = f"Remove what is not needed; known are {', '.join(KNOWN)}."
    return warning("unknown column", message, remedy)
