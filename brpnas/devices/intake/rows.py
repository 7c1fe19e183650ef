"""Row by row: the cell, the latency, and what else stands beside it.

`read_rows` reads what can be read and tells the rest; whether the values make sense together is
asked by `brpnas.devices.intake.values`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain

import numpy as np
import pandas as pd

from brpnas.datasets.schemas import MAX_LATENCY_MS
from brpnas.devices.intake.files import RawTable
from brpnas.devices.intake.findings import Finding, error, rows_text, warning
from brpnas.devices.intake.numbers import REMEDIES, read_number
from brpnas.errors import ArchitectureError
from brpnas.spaces import SearchSpace

__all__ = ["read_rows"]

_SHOWN = 3
_MOST_REPEATS = 2**63 - 1


def read_rows(
    raw: RawTable, columns: Mapping[str, int], space: SearchSpace, device: str, word: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read the rows of a table.

    Args:
        raw: The table as text.
        columns: Position of each known column in it.
        space: What the cells are of.
        device: Name that a column ``device`` must hold.
        word: What a row is called, see `row_word`.

    Returns:
        Columns ``line``, ``arch_id`` (None where it is no cell), ``latency_ms``, ``std_ms`` (NaN
        where it is no number), ``repeats``, and ``sound``: whether nothing is wrong with the row.
        And what is wrong with rows.
    """
    texts = {name: [row[i] for row in raw.rows] for name, i in columns.items()}
    table = pd.DataFrame({"line": np.array(raw.lines, np.int64)})
    nothing: list[str] = [""] * len(raw.rows)
    found: list[Finding] = []
    table["arch_id"] = pd.Series([None] * len(table), dtype=object)
    if "arch_id" in texts:
        arch_ids, about = _read_cells(texts["arch_id"], raw.lines, space)
        table["arch_id"] = pd.Series(arch_ids, dtype=object)
        found += [*about, *_doubles(table, texts["arch_id"], word)]
    table["latency_ms"] = np.nan
    if "latency_ms" in texts:
        table["latency_ms"], about = _read_latencies(texts["latency_ms"], raw.lines)
        found += about
    table["std_ms"], about = _read_spreads(texts.get("std_ms", nothing), raw.lines)
    found += about
    table["repeats"], about = _read_repeats(texts.get("repeats", nothing), raw.lines)
    found += about
    if "device" in texts:
        found += _other_devices(texts["device"], raw.lines, device)
    found += _wide(table)
    wrong = chain.from_iterable(item.rows for item in found if item.severity == "error")
    table["sound"] = ~table["line"].isin(set(wrong)) & table["latency_ms"].gt(0)
    table["sound"] &= table["arch_id"].notna()
    return table, found


def _read_cells(
    texts: list[str], lines: tuple[int, ...], space: SearchSpace
) -> tuple[list[str | None], list[Finding]]:
    arch_ids: list[str | None] = []
    wrong: list[int] = []
    reasons: list[str] = []
    for text, line in zip(texts, lines, strict=True):
        try:
            arch_ids.append(space.read(text) if text else None)
        except ArchitectureError as reason:
            arch_ids.append(None)
            wrong.append(line)
            reasons.append(str(reason))
    found = []
    missing = [line for text, line in zip(texts, lines, strict=True) if not text]
    if missing:
        remedy = "Name the cell, or remove the row."
        found.append(error("missing cell", "arch_id is empty.", remedy, missing))
    if wrong:
        first = "" if len(wrong) == 1 else "the first: "
        remedy = f"Write cells of {space.name} in one of its notations, or remove the rows."
        found.append(error("unknown cell", first + reasons[0], remedy, wrong))
    return arch_ids, found + _lost_zeros(texts, arch_ids, lines)


def _lost_zeros(
    texts: list[str], arch_ids: list[str | None], lines: tuple[int, ...]
) -> list[Finding]:
    """Codes and shorter whole numbers in one column: a spreadsheet drops leading zeros."""
    read = [i for i, arch_id in enumerate(arch_ids) if arch_id and texts[i].isdigit()]
    longest = max((len(texts[i]) for i in read), default=0)
    codes = [i for i in read if len(texts[i]) == longest and re.fullmatch("[0-4]{6,}", texts[i])]
    short = [i for i in read if len(texts[i]) < longest]
    if not codes or not short:
        return []
    message = (
        f"{texts[short[0]]!r} is read as an index, but other rows hold operation codes, such as "
        f"{texts[codes[0]]!r}; a spreadsheet removes the zeros at the beginning of codes."
    )
    remedy = "Write codes with all their digits, or as (0, 0, 0, 2, 0, 0) in double quotes."
    return [error("ambiguous cell", message, remedy, [lines[i] for i in short])]


def _doubles(table: pd.DataFrame, texts: list[str], word: str) -> list[Finding]:
    """Cells that come more than once, in whatever notation, with equal latency or not."""
    known = table[table["arch_id"].notna()]
    doubled = known[known.duplicated("arch_id", keep=False)]
    if doubled.empty:
        return []
    groups = []
    for arch_id, rows in doubled.groupby("arch_id", sort=False):
        written = {texts[i] for i in rows.index}
        also = f", written in {len(written)} ways" if len(written) > 1 else ""
        groups.append(f"{rows_text(rows['line'].tolist(), word)} ({arch_id}{also})")
    more = f"; and {len(groups) - _SHOWN:,} more" if len(groups) > _SHOWN else ""
    message = f"these rows are of one cell: {'; '.join(groups[:_SHOWN])}{more}."
    remedy = "Keep one row per cell; put the spread of repeated measurements in std_ms, repeats."
    return [error("duplicate cell", message, remedy, doubled["line"])]


def _read_latencies(texts: list[str], lines: tuple[int, ...]) -> tuple[list[float], list[Finding]]:
    values, found = _numbers("latency", texts, lines)
    zero = [line for line, value in zip(lines, values, strict=True) if value == 0]
    if zero:
        message = "no network runs in no time; the measurement may have failed or been rounded."
        remedy = "Measure these cells again, or remove the rows."
        found.append(error("zero latency", message, remedy, zero))
    return values, found


def _read_spreads(texts: list[str], lines: tuple[int, ...]) -> tuple[list[float], list[Finding]]:
    values, found = _numbers("std_ms", texts, lines, may_miss=True)
    wrong = [i for i, value in enumerate(values) if value > MAX_LATENCY_MS]
    if wrong:
        message = f"std_ms is {texts[wrong[0]]}, above {MAX_LATENCY_MS:,.0f} ms."
        remedy = "Write it in milliseconds, or leave it empty."
        found.append(error("impossible std_ms", message, remedy, [lines[i] for i in wrong]))
    return values, found


def _read_repeats(
    texts: list[str], lines: tuple[int, ...]
) -> tuple[pd.api.extensions.ExtensionArray, list[Finding]]:
    values, found = _numbers("repeats", texts, lines, may_miss=True)
    whole = [1 <= value < _MOST_REPEATS and value.is_integer() for value in values]
    wrong = [i for i, value in enumerate(values) if not (np.isnan(value) or whole[i])]
    if wrong:
        message = f"repeats is {texts[wrong[0]]!r}, not a whole number from 1."
        remedy = "Write how often the cell was measured, or leave it empty."
        found.append(error("repeats", message, remedy, [lines[i] for i in wrong]))
    counts = [int(value) if good else None for value, good in zip(values, whole, strict=True)]
    return pd.array(counts, dtype="Int64"), found


def _numbers(
    what: str, texts: list[str], lines: tuple[int, ...], *, may_miss: bool = False
) -> tuple[list[float], list[Finding]]:
    """Read a column of numbers; where it `may_miss`, no value is not wrong."""
    values: list[float] = []
    wrong: dict[str, list[int]] = {}
    for i, text in enumerate(texts):
        value, why = read_number(text)
        values.append(value)
        if why and not (may_miss and why in ("missing", "NaN")):
            wrong.setdefault(why, []).append(i)
    found = []
    for why, rows in wrong.items():
        cause, remedy = REMEDIES[why]
        shown = _examples([texts[i] for i in rows])
        where = [lines[i] for i in rows]
        found.append(error(f"{why} {what}", f"{what} {shown}: {cause}", remedy, where))
    return values, found


def _examples(texts: list[str]) -> str:
    """The first different values, quoted."""
    different = list(dict.fromkeys(texts))
    more = ", ..." if len(different) > _SHOWN else ""
    return ", ".join(repr(text) for text in different[:_SHOWN]) + more


def _other_devices(texts: list[str], lines: tuple[int, ...], device: str) -> list[Finding]:
    others = [i for i, text in enumerate(texts) if text != device]
    if not others:
        return []
    named = _examples([texts[i] for i in others])
    message = f"the column 'device' says {named}, and the file is named after {device!r}."
    remedy = "Give each device its own file of its name, or remove the column."
    return [error("other device", message, remedy, [lines[i] for i in others])]


def _wide(table: pd.DataFrame) -> list[Finding]:
    """A standard deviation above the mean: a unit apart, or a measurement that was disturbed."""
    wide = table[table["std_ms"] > table["latency_ms"]]
    if wide.empty:
        return []
    message = "std_ms is larger than latency_ms; perhaps it is in another unit, or is a variance."
    return [warning("large spread", message, "Check the unit of std_ms.", wide["line"])]
