"""Parquet read into the text that CSV would hold, so that both are checked by the same rules."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from brpnas.devices.intake.findings import Finding, error

__all__ = ["read_parquet"]

_NUMBERS = ("latency_ms", "std_ms", "repeats")
Rows = tuple[tuple[str, ...], ...]


def read_parquet(data: bytes) -> tuple[tuple[str, ...], Rows, list[Finding]]:
    """Read the content of a Parquet file.

    Returns:
        Names of the columns, none if it cannot be read; the values of each row as text, empty where
        there is none; what is wrong: columns of numbers that hold something else, no rows.
    """
    try:
        frame = pd.read_parquet(io.BytesIO(data))
    except Exception as reason:  # whatever a damaged file makes the reader raise
        why = " ".join(str(reason).split())[:120]
        message = f"it cannot be read as Parquet ({why}); it is damaged or another kind of file."
        remedy = "Write it again, by pandas.DataFrame.to_parquet, or give a CSV file."
        return (), (), [error("unreadable Parquet", message, remedy)]
    if frame.index.names != [None]:
        frame = frame.reset_index()
    header = tuple(str(name).strip() for name in frame.columns)
    if frame.empty:
        message = "there are columns and no row below them."
        remedy = "Add a row for each measured cell, or remove the file."
        return header, (), [error("no rows", message, remedy)]
    found = [
        finding for i, name in enumerate(header) for finding in _wrong_type(name, frame.iloc[:, i])
    ]
    columns = [[_text(value) for value in frame.iloc[:, i]] for i in range(len(header))]
    return header, tuple(zip(*columns, strict=True)), found


def _wrong_type(name: str, column: pd.Series[Any]) -> Iterator[Finding]:
    """A known column whose type cannot be what it should hold."""
    numeric = is_numeric_dtype(column) and not is_bool_dtype(column)
    if name in _NUMBERS and not numeric and column.notna().any():
        wrong = f"the column {name!r} holds {column.dtype}, such as {column.dropna().iloc[0]!r}"
        remedy = f"Convert it before writing: table[{name!r}].astype(float)."
        yield error("column type", f"{wrong}, where numbers belong.", remedy)
    if name == "arch_id" and (column.dtype.kind == "f" or is_bool_dtype(column)):
        message = f"the column 'arch_id' holds {column.dtype}, no text and no whole numbers."
        remedy = "Write cells as text, or their published index as whole numbers."
        yield error("column type", message, remedy)


def _text(value: object) -> str:
    """A value as CSV would hold it."""
    if isinstance(value, np.ndarray | Sequence) and not isinstance(value, str | bytes):
        return str(tuple(getattr(item, "item", lambda item=item: item)() for item in value))
    if value is None or value is pd.NA:
        return ""
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else repr(float(value))
    return str(value).strip()
