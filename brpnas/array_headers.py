"""Headers of the arrays in an NPZ file, checked before anything is allocated.

A header of a few bytes can claim terabytes. `read_headers` reads only the headers and compares each
shape with the size of its member and with a limit, so that readers allocate checked sizes only.
"""

from __future__ import annotations

import io
import math
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from brpnas.archives import open_archive
from brpnas.errors import SchemaError, shown

__all__ = ["ARRAYS_LIMIT", "ArrayHeader", "check_text", "read_header", "read_headers"]

ARRAYS_LIMIT = 2**31
"""Default limit in bytes for the compressed arrays of a file together. Uncompressed arrays are
never larger than the file."""
_MAX_MEMBERS = 1000
_MAX_HEADER = 10_000
"""Limit of numpy: longer headers are slow to parse."""
_MAGIC = b"\x93NUMPY"
_LAST_CHARACTER = 0x10FFFF
# numpy parses a header as a literal, and headers of Python 2 by the tokenizer too.
_DAMAGED = (
    ValueError,
    TypeError,
    SyntaxError,
    LookupError,
    ArithmeticError,
    RecursionError,
    MemoryError,
    tokenize.TokenError,
)
_LENGTH = {(1, 0): "<H", (2, 0): "<I"}


@dataclass(frozen=True)
class ArrayHeader:
    """Shape and type of an array, from its header.

    Attributes:
        shape: Size of each axis.
        dtype: Type of the elements, without Python objects.
        is_fortran: Whether the first axis varies fastest.
        length: Bytes of the header; the data follow.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    is_fortran: bool
    length: int

    @property
    def nbytes(self) -> int:
        """Bytes of the data."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_headers(path: Path, *, limit: int | None = ARRAYS_LIMIT) -> Mapping[str, ArrayHeader]:
    """Headers of all arrays of an NPZ file by name; the data are not read.

    Args:
        path: The file.
        limit: Limit of the decompressed bytes of compressed arrays together; None for no limit.

    Raises:
        FileNotFoundError: If the file is missing.
        SchemaError: If the file is not an archive of plain arrays, is encrypted or compressed by
            another method than NPZ's, if a header does not fit the size of its member, or if the
            arrays exceed the limit.
    """
    headers: dict[str, ArrayHeader] = {}
    total = 0
    try:
        with path.open("rb") as raw, open_archive(raw, max_members=_MAX_MEMBERS) as file:
            for info in file.infolist():
                what = f"{path}: the array {shown(info.filename)}"
                with file.open(info) as member:
                    header = read_header(member, info.file_size, what)
                headers[info.filename.removesuffix(".npy")] = header
                total += header.nbytes if info.compress_type != zipfile.ZIP_STORED else 0
    except FileNotFoundError:
        raise
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise SchemaError(
            f"{path} is not a complete NPZ file: {error}. Write it again with numpy.savez."
        ) from error
    if not headers:
        raise SchemaError(f"{path} has no array. Write it again with numpy.savez.")
    if limit is not None and total > limit:
        raise SchemaError(
            f"The arrays of {path} take {_size(total)} decompressed, more than the limit of "
            f"{_size(limit)}; the file itself has {_size(path.stat().st_size)}. Write it with "
            "numpy.savez, uncompressed."
        )
    return headers


def read_header(stream: IO[bytes], size: int, what: str) -> ArrayHeader:
    """Read the header of one array; the stream is then at the data.

    Args:
        stream: Stream at the start of the array.
        size: Bytes of header and data together.
        what: Name of the array in errors.

    Raises:
        SchemaError: If it is not an array, holds Python objects, or has another size.
    """
    start = stream.read(len(_MAGIC) + 2)
    layout = _LENGTH.get((start[-2], start[-1])) if start[: len(_MAGIC)] == _MAGIC else None
    if layout is None or len(start) != len(_MAGIC) + 2:
        raise SchemaError(f"{what} is not a numpy array. Write the file with numpy.savez.")
    raw = stream.read(struct.calcsize(layout))
    length = struct.unpack(layout, raw)[0] if len(raw) == struct.calcsize(layout) else _MAX_HEADER
    text = stream.read(length) if length < _MAX_HEADER else b""
    if len(text) != length:
        raise SchemaError(f"{what} has a header of {length} bytes, too long or truncated.")
    shape, is_fortran, dtype = _parse(layout, raw + text, what)
    header = ArrayHeader(shape, dtype, is_fortran, len(start) + len(raw) + length)
    if header.length + header.nbytes != size or (dtype.itemsize == 0 and 0 not in shape):
        raise SchemaError(
            f"{what} claims shape {shown(shape)} of {dtype}, {_size(header.nbytes)}, but has "
            f"{_size(max(size - header.length, 0))}: the file is damaged or forged."
        )
    return header


def check_text(array: npt.NDArray[Any], what: str) -> None:
    """Check that the characters of a text array exist; numpy fails on others.

    Raises:
        SchemaError: If one does not.
    """
    if array.dtype.kind != "U" or not array.size or not array.dtype.itemsize:
        return
    codes = np.ravel(array, order="K").view(np.dtype("u4").newbyteorder(array.dtype.byteorder))
    if int(codes.max()) > _LAST_CHARACTER:
        raise SchemaError(f"{what} holds damaged text. Write the file with numpy.savez.")


def _parse(layout: str, text: bytes, what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version_1 = layout == _LENGTH[1, 0]
    read = np.lib.format.read_array_header_1_0 if version_1 else np.lib.format.read_array_header_2_0
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about Python 2, and escapes in a damaged header
            shape, is_fortran, dtype = read(io.BytesIO(text))
    except _DAMAGED as error:
        raise SchemaError(f"{what} has a damaged header ({type(error).__name__}).") from error
    if dtype.hasobject:
        raise SchemaError(
            f"{what} holds Python objects, refused because unpickling can run code. "
            "Save numbers or strings of one shape: numpy.array(..., dtype=...)."
        )
    if any(isinstance(axis, bool) or axis < 0 for axis in shape) or len(shape) > 32:
        raise SchemaError(f"{what} has a damaged header (shape {shown(shape)}).")
    return shape, is_fortran, dtype


def _size(count: int) -> str:
    """Bytes in words, such as ``1.5 GB``."""
    number = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:,.4g} TB"
