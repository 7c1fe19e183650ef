"""Parquet read as text like CSV, so that the same rules check both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as kinds

from brpnas.parquet import ParquetLimitError, read_columns
from brpnas.tables.columns import Column
from brpnas.tables.findings import Finding, error, quoted
from brpnas.tables.limits import MAX_BYTES, MAX_COLUMNS, MAX_GROUPS, MAX_VALUES, too_large

__all__ = ["read_parquet"]

_INDEX = "__index_level_"
_UNPACKED = 4 * MAX_BYTES
Texts = dict[str, list[str]]


def read_parquet(
    data: bytes, columns: Sequence[Column], most: int
) -> tuple[tuple[str, ...], Texts, list[Finding]]:
    """Read the known columns of a Parquet file, after a check of its size by the metadata.

    Args:
        data: Content of the file.
        columns: Columns to read.
        most: Largest number of rows.

    Returns:
        Names of all columns, none if the file is unreadable; the values of each known column as
        text, empty for missing values; the problems: wrong types, no rows, sizes.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        header = tuple(n for n in file.schema_arrow.names if not n.startswith(_INDEX))
        large = _sizes(file.metadata, len(header), most)
        if large:
            return (), {}, [large]
        if file.metadata.num_rows == 0:
            message = "there are columns but no row below them."
            remedy = "Add a row for each measured cell, or remove the file."
            return header, {}, [error("no rows", message, remedy)]
        known = {c.name: c for c in columns if header.count(c.name) == 1}
        nested = [
            finding
            for name in known
            for finding in _other_lists(name, file.schema_arrow.field(name).type)
        ]
        if nested:
            return (), {}, nested
        table = read_columns(pa.BufferReader(data), list(known), limit=_UNPACKED)
        return (
            tuple(name.strip() for name in header),
            {name: _texts(table.column(name)) for name in known},
            [finding for name in known for finding in _wrong_type(known[name], table.column(name))],
        )
    except ParquetLimitError as reason:
        remedy = "Keep what is needed, or give a CSV file."
        return (), {}, [error("Parquet that is too large", f"{reason}.", remedy)]
    except Exception as reason:  # a damaged file makes the reader raise anything
        why = " ".join(str(reason).split())[:120]
        message = f"it cannot be read as Parquet ({why}); it is damaged or of another kind."
        remedy = "Write it again, by pandas.DataFrame.to_parquet, or give a CSV file."
        return (), {}, [error("unreadable Parquet", message, remedy)]


def _sizes(metadata: Any, columns: int, most: int) -> Finding | None:
    """The first size above its limit, by the metadata alone."""
    if metadata.num_rows > most:
        return too_large("rows", metadata.num_rows, most)
    if max(columns, metadata.num_columns) > MAX_COLUMNS:
        return too_large("columns", max(columns, metadata.num_columns), MAX_COLUMNS)
    if metadata.num_row_groups > MAX_GROUPS:
        return too_large("groups of rows", metadata.num_row_groups, MAX_GROUPS)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    values = sum(g.column(i).num_values for g in groups for i in range(g.num_columns))
    if values > MAX_VALUES:
        return too_large("values", values, MAX_VALUES)
    unpacked = sum(group.total_byte_size for group in groups)
    return too_large("bytes", unpacked, _UNPACKED) if unpacked > _UNPACKED else None


def _other_lists(column: str, kind: pa.DataType) -> Iterator[Finding]:
    """Known columns of a nested type other than lists of numbers (allowed for cells)."""
    value = kind
    while kinds.is_list(value) or kinds.is_large_list(value) or kinds.is_fixed_size_list(value):
        value = value.value_type
    number = kinds.is_integer(value) or kinds.is_floating(value) or kinds.is_null(value)
    if kinds.is_nested(kind) and not number:
        message = f"the column {column!r} has the type {kind}, not accepted here."
        yield error("column type", message, "Write cells as text or as lists of whole numbers.")


def _texts(column: pa.ChunkedArray) -> list[str]:
    """Values as in CSV; equal texts of a dictionary share their memory."""
    if not kinds.is_dictionary(column.type):
        return [_text(value) for value in column.to_pylist()]
    chunks = column.chunks
    names = [_text(value) for value in chunks[0].dictionary.to_pylist()] if chunks else []
    return ["" if i is None else names[i] for chunk in chunks for i in chunk.indices.to_pylist()]


def _wrong_type(column: Column, values: pa.ChunkedArray) -> Iterator[Finding]:
    """Known columns of a type that does not fit their values."""
    kind, name = values.type, column.name
    if kinds.is_dictionary(kind):
        kind = kind.value_type
    number = kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_decimal(kind)
    if column.kind == "number" and not number and values.null_count < len(values):
        first = quoted(str(values.drop_null()[0].as_py()))
        message = f"the column {name!r} has the type {kind}, such as {first}, instead of numbers."
        remedy = f"Convert it before writing: table[{name!r}].astype(float)."
        yield error("column type", message, remedy)
    if column.kind == "cell" and (kinds.is_floating(kind) or kinds.is_boolean(kind)):
        message = f"the column {name!r} has the type {kind}, neither text nor whole numbers."
        remedy = "Write cells as text, or their published index as whole numbers."
        yield error("column type", message, remedy)


def _text(value: object) -> str:
    """A value as in CSV."""
    match value:
        case None:
            return ""
        case float():
            return "" if value != value else repr(value)  # noqa: PLR0124 - NaN is a missing value
        case bytes():
            return value.decode("utf-8", "replace")
        case list() | tuple():
            return str(tuple(value))
        case _:
            return str(value).strip()
