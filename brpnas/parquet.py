"""Reading columns of Parquet files within a limit of memory.

A repeated value is stored once, so a thousand bytes can expand to a million copies. Text is kept as
stored, each value once, and only types with a size fixed by the number of values are read. This
number is checked before anything is allocated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as kinds

__all__ = ["ParquetLimitError", "read_batches", "read_columns"]

_BATCH = 2**25
"""Bytes of numbers read at a time."""
_PREFIXES = "DELTA_BYTE_ARRAY"
"""Encoding of a value as the end of the previous one; pyarrow must copy each."""
_TEXTS = (kinds.is_string, kinds.is_large_string, kinds.is_binary, kinds.is_large_binary)
_WRAPPED = (
    *(kinds.is_list, kinds.is_large_list, kinds.is_fixed_size_list),
    kinds.is_dictionary,
)
Source: TypeAlias = str | PathLike[str] | pa.BufferReader


class ParquetLimitError(ValueError):
    """Columns have an unsupported type or exceed the limit; the message does not name the file."""


def read_batches(
    source: Source, columns: Sequence[str], *, rows: int, limit: int
) -> Iterator[pa.RecordBatch]:
    """Read columns in batches; text and bytes, also in structs and lists, as dictionaries.

    Args:
        source: The file.
        columns: Names of top-level columns.
        rows: Rows of a batch; fewer if they are large.
        limit: Limit of the bytes of all numbers, and of one batch with its text.

    Raises:
        ParquetLimitError: If the limit is exceeded, or a column has an unbounded type.
        pyarrow.ArrowException: If the file is damaged.
    """
    metadata = pq.read_metadata(source)
    if isinstance(source, pa.BufferReader):
        source.seek(0)
    texts = _text_paths(metadata, columns)
    with pq.ParquetFile(
        source, metadata=metadata, read_dictionary=texts, arrow_extensions_enabled=False
    ) as file:
        needed = sum(
            _width(field.type, field.name)
            * sum(chunk.num_values for chunk in _chunks(metadata, [field.name]))
            for field in file.schema_arrow
            if any(_is_in(field.name, name) for name in columns)
        )
        if needed > limit:
            raise ParquetLimitError(
                f"the numbers of {', '.join(columns)} take {needed:,} bytes, more than {limit:,}"
            )
        needed += sum(chunk.total_uncompressed_size for chunk in _chunks(metadata, columns))
        fewer = _BATCH * metadata.num_rows // max(needed, 1)
        for batch in file.iter_batches(max(1, min(rows, fewer)), columns=list(columns)):
            _check_size(batch.nbytes, columns, limit)
            yield batch


def read_columns(source: Source, columns: Sequence[str], *, limit: int) -> pa.Table:
    """Read whole columns; all chunks of a text column share one dictionary.

    Args:
        source: The file.
        columns: Names of top-level columns.
        limit: Limit of their bytes together, each text counted once.

    Raises:
        ParquetLimitError: As `read_batches`.
        pyarrow.ArrowException: If the file is damaged.
    """
    batches, size = [], 0
    for batch in read_batches(source, columns, rows=2**16, limit=limit):
        size += batch.nbytes
        _check_size(size, columns, limit)
        batches.append(batch)
    if not batches:
        schema = pq.read_schema(source)
        return pa.table({name: pa.array([], schema.field(name).type) for name in columns})
    return pa.Table.from_batches(batches).unify_dictionaries()


def _check_size(size: int, columns: Sequence[str], limit: int) -> None:
    if size > limit:
        raise ParquetLimitError(
            f"the values of {', '.join(columns)} take more than {limit:,} bytes"
        )


def _is_in(path: str, column: str) -> bool:
    """Whether pyarrow reads a path with a column: it takes a name as a prefix of paths."""
    return path == column or path.startswith(f"{column}.")


def _chunks(metadata: Any, columns: Sequence[str]) -> Iterator[Any]:
    """Metadata of the columns in each row group, including those in structs and lists."""
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        for position in range(group.num_columns):
            chunk = group.column(position)
            if any(_is_in(chunk.path_in_schema, name) for name in columns):
                yield chunk


def _text_paths(metadata: Any, columns: Sequence[str]) -> list[str]:
    """Paths of the columns of text or bytes."""
    found: dict[str, None] = {}
    for chunk in _chunks(metadata, columns):
        if chunk.physical_type != "BYTE_ARRAY":
            continue
        if _PREFIXES in chunk.encodings:
            raise ParquetLimitError(
                f"its column {chunk.path_in_schema} has the unsupported encoding {_PREFIXES}. "
                "Write it with the defaults of pandas.DataFrame.to_parquet"
            )
        found[chunk.path_in_schema] = None
    return list(found)


def _width(kind: pa.DataType, column: str) -> int:
    """Bytes of a value, 4 for the position of a text in its dictionary.

    Raises:
        ParquetLimitError: If values of the type are copied and have no bounded length.
    """
    if isinstance(kind, pa.BaseExtensionType):
        return _width(kind.storage_type, column)
    if kinds.is_dictionary(kind) and any(is_text(kind.value_type) for is_text in _TEXTS):
        return 4
    if any(is_wrapped(kind) for is_wrapped in _WRAPPED):
        return _width(kind.value_type, column)
    if kinds.is_struct(kind):
        return max((_width(field.type, column) for field in kind), default=1)
    if kinds.is_null(kind) or kinds.is_primitive(kind) or kinds.is_decimal(kind):
        return 1 if kinds.is_null(kind) else max(int(kind.bit_width) // 8, 1)
    raise ParquetLimitError(
        f"its column {column} has the unsupported type {kind}. Write it as text, numbers or lists "
        "of numbers"
    )
