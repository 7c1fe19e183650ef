"""Arrays in NPZ files with the same bytes each time, and mapped instead of read where possible.

Not by `numpy.savez_compressed`, which writes other bytes under other releases of Python. What is
written uncompressed is aligned, and `read_arrays` maps it into memory.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt

from brpnas.array_headers import ARRAYS_LIMIT, ArrayHeader, check_text, read_headers
from brpnas.atomic import atomic_path
from brpnas.errors import SchemaError

__all__ = ["read_arrays", "write_arrays"]

_ALIGNMENT = 64
_LOCAL_HEADER = 30
_PADDING = 0xD935
"""Tag of the extra field of ZIP that other tools align with too."""


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]], *, compress: bool) -> None:
    """Write arrays to an NPZ file, which is replaced only when the new one is complete.

    Args:
        path: The file; numpy's suffix is not appended.
        arrays: Arrays by name, without Python objects.
        compress: Whether to compress them; if not, `read_arrays` can map them.
    """
    # In place, a file that is mapped would change, or end, under its readers.
    with atomic_path(path) as partial, zipfile.ZipFile(partial, "w") as file:
        for key, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, array, allow_pickle=False)
            place = zipfile.ZipInfo(f"{key}.npy")
            method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            if not compress:
                place.extra = _padding(file.start_dir + _LOCAL_HEADER + len(place.filename))
            file.writestr(place, member.getbuffer(), compress_type=method)


def read_arrays(path: Path, *, limit: int | None = ARRAYS_LIMIT) -> dict[str, npt.NDArray[Any]]:
    """Arrays of an NPZ file by name.

    Those that are stored uncompressed are mapped privately: what is written to them stays in this
    process. They are valid as long as the file is replaced, but not overwritten in place. Headers
    are checked before anything is allocated, see `brpnas.array_headers`.

    Args:
        path: The file.
        limit: Bytes that the compressed arrays may have together; None for no limit.

    Raises:
        FileNotFoundError: If there is no such file.
        SchemaError: If it is no complete archive of plain arrays, or exceeds the limit.
    """
    headers = read_headers(path, limit=limit)
    arrays: dict[str, npt.NDArray[Any]] = {}
    try:
        with path.open("rb") as raw, zipfile.ZipFile(raw) as file:
            for info in file.infolist():
                name = info.filename.removesuffix(".npy")
                is_large = info.compress_type == zipfile.ZIP_STORED and info.file_size > 2**16
                if is_large:
                    arrays[name] = _map(path, raw, info, headers[name])
                else:
                    with file.open(info) as member:
                        arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
                check_text(arrays[name], f"{path}: the array {name!r:.80}")
    except SchemaError:
        raise
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise SchemaError(f"{path} is not a complete NPZ file: {error}.") from error
    return arrays


def _padding(position: int) -> bytes:
    """Extra field that ends at a multiple of the alignment; numpy's own header keeps to it."""
    missing = -(position + 4) % _ALIGNMENT
    return struct.pack("<HH", _PADDING, missing) + bytes(missing)


def _map(
    path: Path, raw: IO[bytes], info: zipfile.ZipInfo, header: ArrayHeader
) -> npt.NDArray[Any]:
    raw.seek(info.header_offset)
    local = raw.read(_LOCAL_HEADER)
    start = info.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", local[26:]))
    order: Literal["F", "C"] = "F" if header.is_fortran else "C"
    mapped: npt.NDArray[Any] = np.memmap(
        path, header.dtype, "c", start + header.length, header.shape, order
    )
    return np.asarray(mapped)
