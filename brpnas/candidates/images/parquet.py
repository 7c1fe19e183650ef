"""Images in Parquet files, including Hugging Face's."""

from __future__ import annotations

import bisect
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from brpnas.candidates.images.arrays import ArrayImages
from brpnas.candidates.images.columns import Columns, find_columns
from brpnas.candidates.images.contents import Contents, Found, Pixels
from brpnas.candidates.images.nested import nested_array, nested_shape
from brpnas.candidates.images.npz import plausible_size
from brpnas.candidates.images.pictures import EncodedPictures
from brpnas.errors import SchemaError, SourceError
from brpnas.parquet import read_batches, read_columns

__all__ = ["find_parquet", "read_parquet"]

_ROWS = 64
"""Rows read at a time."""
_BYTES_OF_ROW = 8
_CHARACTERS = 2**26
"""Most characters of labels, padded to the longest: numpy takes 4 bytes each."""
Where = Callable[[int], str]


def find_parquet(path: Path, label: str | None) -> Found:
    """A Parquet file of images.

    Args:
        path: The file.
        label: Column of the labels, if named by the user.
    """
    return Found((path,), lambda: read_parquet([path], label, None))


def read_parquet(files: Sequence[Path], label: str | None, parts: Sequence[str] | None) -> Contents:
    """Read the labels of the files of a data set.

    Args:
        files: The files, in order.
        label: Column of the labels, if named by the user.
        parts: Part of each file; None for a column ``split``, if any.

    Raises:
        SchemaError: If the files have different columns, or lack images or labels.
    """
    columns = [_columns(file, label) for file in files]
    if len(set(columns)) > 1:
        raise SchemaError(
            f"{files[0]} and other files beside it have different columns or class names. Write "
            "them alike."
        )
    chosen = columns[0]
    counts = [pq.read_metadata(file).num_rows for file in files]
    starts = [0, *itertools.accumulate(counts)]

    def where(row: int) -> str:
        file = bisect.bisect_right(starts, row) - 1
        return f"row {row - starts[file]} of {files[file]}"

    split: npt.NDArray[Any] | None = None
    if parts is not None:
        split = np.repeat(np.array(parts), counts)
    elif chosen.split is not None:
        split = np.concatenate([_values(file, chosen.split) for file in files])
    labels = np.concatenate([_values(file, chosen.label) for file in files])
    pixels = _pixels(files, chosen, sum(counts), where)
    return Contents(labels, pixels, chosen.label_names, split)


def _columns(file: Path, label: str | None) -> Columns:
    """The columns of a file, after a check of the claimed sizes."""
    metadata = pq.read_metadata(file)
    claimed = sum(metadata.row_group(n).total_byte_size for n in range(metadata.num_row_groups))
    size = file.stat().st_size
    if claimed > plausible_size(file) or metadata.num_rows * _BYTES_OF_ROW > size:
        raise SchemaError(
            f"{file} claims {metadata.num_rows:,} rows of {claimed:,} bytes in a file of {size:,}, "
            "implausible for images, and is not read. Write it without copies of rows."
        )
    return find_columns(pq.read_schema(file), label, str(file))


def _values(file: Path, column: str) -> npt.NDArray[Any]:
    """Labels or parts; equal texts share their memory.

    Of nested values only the first is read: it is enough to refuse them.
    """
    limit = plausible_size(file)
    if pa.types.is_nested(pq.read_schema(file).field(column).type):
        first = next(read_batches(file, [column], rows=1, limit=limit), None)
        return _objects([] if first is None else first.column(0).to_pylist())
    values = read_columns(file, [column], limit=limit).column(column)
    if pa.types.is_dictionary(values.type):
        if pa.types.is_primitive(values.type.value_type):
            return np.asarray(values.cast(values.type.value_type).to_numpy())
        return _texts(values, file, column)
    return _objects(values.to_pylist()) if values.null_count else np.asarray(values.to_numpy())


def _texts(values: pa.ChunkedArray, file: Path, column: str) -> npt.NDArray[Any]:
    chunks = values.chunks
    texts = chunks[0].dictionary.to_pylist() if chunks else []
    longest = max(map(len, texts), default=0)
    if longest * len(values) > _CHARACTERS:
        raise SchemaError(
            f"The longest value of column {column} in {file} has {longest:,} characters, too many "
            f"for a class or part of {len(values):,} images. Shorten the values, or set another "
            "column as images.label."
        )
    rows = [chunk.indices.fill_null(len(texts)).to_numpy() for chunk in chunks]
    found: npt.NDArray[Any] = _objects([*texts, None])[np.concatenate([np.empty(0, int), *rows])]
    return found


def _objects(values: Sequence[object]) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.fromiter(values, object, len(values))
    return array


def _pixels(files: Sequence[Path], columns: Columns, count: int, where: Where) -> Pixels:
    kind = pq.read_schema(files[0]).field(columns.image).type
    if pa.types.is_struct(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return EncodedPictures(count, lambda: _streams(files, columns, where), where)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        raise SchemaError(_only_paths(where(0), columns.image))
    first = next(_cells(files, columns.image), None)
    if first is None:
        raise SchemaError(f"{files[0]} has no rows.")
    shape, dtype = nested_shape(first, where)

    def chunks() -> Iterator[npt.NDArray[Any]]:
        row = 0
        for cells in _cells(files, columns.image):
            yield nested_array(cells, shape, where, row)
            row += len(cells)

    return ArrayImages((count, *shape), dtype, chunks, str(files[0]), where)


def _cells(files: Sequence[Path], column: str) -> Iterator[pa.Array]:
    """A column of all files, a batch of rows at a time."""
    for file in files:
        try:
            for batch in read_batches(file, [column], rows=_ROWS, limit=plausible_size(file)):
                yield batch.column(0)
        except (pa.ArrowException, OSError, ValueError) as error:
            if isinstance(error, SchemaError):
                raise
            raise SourceError(f"{file} cannot be read: {error}.") from error


def _streams(files: Sequence[Path], columns: Columns, where: Where) -> Iterator[IO[bytes]]:
    row = 0
    for cells in _cells(files, columns.image):
        for scalar in cells:  # singly: rows may share one large picture
            cell = scalar.as_py()
            content = cell.get("bytes") if isinstance(cell, dict) else cell
            if not isinstance(content, bytes):
                path = cell.get("path") if isinstance(cell, dict) else None
                if path is not None:
                    raise SchemaError(_only_paths(where(row), columns.image, str(path)))
                raise SchemaError(
                    f"The image in {where(row)} is missing: column {columns.image} has no bytes "
                    "there. Leave the row out."
                )
            yield io.BytesIO(content)
            row += 1


def _only_paths(where: str, column: str, path: str | None = None) -> str:
    named = f" ({path!r})" if path is not None else ""
    return (
        f"The image in {where} is only the path of a picture{named}, not its bytes: the pictures "
        f"are elsewhere. Give the folder of the pictures instead, or store their bytes in column "
        f"{column} (Hugging Face's push_to_hub does)."
    )
