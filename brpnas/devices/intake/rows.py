"""Checks of each row: cell, latency and further columns.

`brpnas.devices.intake.values` checks the values as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from brpnas.datasets.schemas import MAX_LATENCY_MS, PRECISION_PATTERN
from brpnas.devices.intake.metrics import read_metrics
from brpnas.errors import ConfigurationError
from brpnas.spaces.network import NetworkConfig
from brpnas.spaces.reading import read_column
from brpnas.tables import Finding, RawTable, error, read_numbers, rows_text, warning
from brpnas.tables.numbers import examples

__all__ = ["read_rows"]

_SHOWN = 3
_MOST_REPEATS = 2**63 - 1
_EMPTY = ("missing", "NaN")
_PRECISIONS = {"float32": "fp32", "float16": "fp16", "float": "fp32", "half": "fp16"}
"""Other names of precisions."""


def read_rows(
    raw: RawTable, read: Callable[[str], str], device: str, word: str
) -> tuple[pd.DataFrame, list[Finding]]:
    """Read the rows of a table and report its problems.

    Args:
        raw: The table as text.
        read: Reads a cell, see `SearchSpace.reader`.
        device: Expected value of a column ``device``.
        word: Name of a row in messages, see `row_word`.

    Returns:
        Columns ``line``, ``text`` (the cell as written), ``arch_id`` (None if unreadable),
        ``latency_ms`` and ``std_ms`` (NaN if unreadable), ``repeats``, optionally ``energy_mj``,
        ``peak_memory_mib``, ``network_size`` and ``precision``, and ``sound`` (no error in the
        row). And the problems of rows.
    """
    table = pd.DataFrame({"line": np.array(raw.lines, np.int64)})
    found: list[Finding] = []
    table["arch_id"] = pd.Series([None] * len(table), dtype=object)
    table["text"] = pd.Series(raw.column("arch_id"), dtype=object)
    if "arch_id" in raw.texts:
        arch_ids, about = read_column(raw.texts["arch_id"], raw.lines, read)
        table["arch_id"] = pd.Series(arch_ids, dtype=object)
        found += [*about, *_doubles(table, word)]
    table["latency_ms"] = np.nan
    if "latency_ms" in raw.texts:
        table["latency_ms"], about = _read_latencies(raw.texts["latency_ms"], raw.lines)
        found += about
    metrics, about = read_metrics(raw)
    table = table.assign(**metrics)
    found += about
    table["std_ms"], about = _read_spreads(raw.column("std_ms"), raw.lines)
    found += about
    table["repeats"], about = _read_repeats(raw.column("repeats"), raw.lines)
    found += about
    if "device" in raw.texts:
        found += _other_devices(raw.texts["device"], raw.lines, device)
    if "network_size" in raw.texts:
        table["network_size"], about = _read_sizes(raw.texts["network_size"], raw.lines)
        found += about
    if "precision" in raw.texts:
        table["precision"], about = _read_precisions(raw.texts["precision"], raw.lines)
        found += about
    found += _wide(table)
    wrong = chain.from_iterable(item.rows for item in found if item.severity == "error")
    table["sound"] = ~table["line"].isin(set(wrong)) & table["latency_ms"].gt(0)
    table["sound"] &= table["arch_id"].notna()
    return table, found


def _doubles(table: pd.DataFrame, word: str) -> list[Finding]:
    """Cells with several rows, in any notation and with any latency."""
    known = table[table["arch_id"].notna()]
    doubled = known[known.duplicated("arch_id", keep=False)]
    if doubled.empty:
        return []
    groups = []
    for arch_id, rows in doubled.groupby("arch_id", sort=False):
        written = set(rows["text"])
        also = f", written in {len(written)} ways" if len(written) > 1 else ""
        groups.append(f"{rows_text(rows['line'].tolist(), word)} ({arch_id}{also})")
    more = f"; and {len(groups) - _SHOWN:,} more" if len(groups) > _SHOWN else ""
    message = f"these rows hold the same cell: {'; '.join(groups[:_SHOWN])}{more}."
    remedy = "Keep one row per cell; put the spread of repeated measurements in std_ms, repeats."
    return [error("duplicate cell", message, remedy, doubled["line"])]


def _read_latencies(
    texts: Sequence[str], lines: Sequence[int]
) -> tuple[list[float], list[Finding]]:
    values, found = read_numbers("latency", texts, lines)
    zero = [line for line, value in zip(lines, values, strict=True) if value == 0]
    if zero:
        message = "no network runs in 0 ms; the measurement failed or was rounded."
        remedy = "Measure these cells again, or remove the rows."
        found.append(error("zero latency", message, remedy, zero))
    return values, found


def _read_spreads(texts: Sequence[str], lines: Sequence[int]) -> tuple[list[float], list[Finding]]:
    values, found = read_numbers("std_ms", texts, lines, may_miss=_EMPTY)
    wrong = [i for i, value in enumerate(values) if value > MAX_LATENCY_MS]
    if wrong:
        message = f"std_ms is {texts[wrong[0]]}, above {MAX_LATENCY_MS:,.0f} ms."
        remedy = "Write it in milliseconds, or leave it empty."
        found.append(error("impossible std_ms", message, remedy, [lines[i] for i in wrong]))
    return values, found


def _read_repeats(
    texts: Sequence[str], lines: Sequence[int]
) -> tuple[pd.api.extensions.ExtensionArray, list[Finding]]:
    values, found = read_numbers("repeats", texts, lines, may_miss=_EMPTY)
    whole = [1 <= value < _MOST_REPEATS and value.is_integer() for value in values]
    wrong = [i for i, value in enumerate(values) if not (np.isnan(value) or whole[i])]
    if wrong:
        message = f"repeats is {texts[wrong[0]]!r}, not a whole number from 1."
        remedy = "Write the number of measurements, or leave it empty."
        found.append(error("repeats", message, remedy, [lines[i] for i in wrong]))
    counts = [int(value) if good else None for value, good in zip(values, whole, strict=True)]
    return pd.array(counts, dtype="Int64"), found


def _other_devices(texts: Sequence[str], lines: Sequence[int], device: str) -> list[Finding]:
    others = [i for i, text in enumerate(texts) if text != device]
    if not others:
        return []
    named = examples([texts[i] for i in others])
    message = f"the column 'device' says {named}, but the file is named {device!r}."
    remedy = "Give each device a file of its name, or remove the column."
    return [error("other device", message, remedy, [lines[i] for i in others])]


def _read_sizes(texts: Sequence[str], lines: Sequence[int]) -> tuple[pd.Series[str], list[Finding]]:
    """Size of the networks, equal in all rows."""
    remedy = "Write one size, as `brpnas measure` does, into every row, or remove the column."
    sizes: list[str | None] = []
    for text in texts:
        try:
            sizes.append(NetworkConfig.of_size(text).size)
        except ConfigurationError:
            sizes.append(None)
    return _one_value("network_size", "size", "the size of a network", remedy, sizes, texts, lines)


def _read_precisions(
    texts: Sequence[str], lines: Sequence[int]
) -> tuple[pd.Series[str], list[Finding]]:
    """Precision of the networks, equal in all rows."""
    remedy = "Write one precision, such as fp32 or int8, into every row, or remove the column."
    plain = [_PRECISIONS.get(text.lower(), text.lower()) for text in texts]
    known = [text if re.fullmatch(PRECISION_PATTERN, text) else None for text in plain]
    return _one_value("precision", "precision", "a precision", remedy, known, texts, lines)


def _one_value(
    column: str,
    what: str,
    kind: str,
    remedy: str,
    values: list[str | None],
    texts: Sequence[str],
    lines: Sequence[int],
) -> tuple[pd.Series[str], list[Finding]]:
    """A column of one value: its values, and their problems."""
    found = []
    wrong = [i for i, value in enumerate(values) if value is None]
    if wrong:
        named = examples([texts[i] for i in wrong])
        message = f"the column {column!r} says {named}, not {kind}."
        where = [lines[i] for i in wrong]
        found.append(error(f"unknown {column.replace('_', ' ')}", message, remedy, where))
    others = [i for i, value in enumerate(values) if value is not None and value != values[0]]
    if others and values[0] is not None:
        message = f"networks of {len(set(values) - {None})} {what}s; a device has one {what}."
        apart = f"Give the networks of each {what} a separate file and name."
        where = [lines[i] for i in others]
        found.append(error(f"several {column.replace('_', ' ')}s", message, apart, where))
    return pd.Series(values, dtype="str"), found


def _wide(table: pd.DataFrame) -> list[Finding]:
    """A standard deviation above the mean: another unit, or a disturbed measurement."""
    wide = table[table["std_ms"] > table["latency_ms"]]
    if wide.empty:
        return []
    message = "std_ms is larger than latency_ms; perhaps it is in another unit, or is a variance."
    return [warning("large spread", message, "Check the unit of std_ms.", wide["line"])]
