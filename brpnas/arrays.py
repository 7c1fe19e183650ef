"""Arrays in NPZ files with reproducible bytes, mapped instead of read if possible.

The bytes of `numpy.savez_compressed` depend on the release of Python. Uncompressed arrays are
written aligned, and `read_arrays` maps them into memory.
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
"""Tag of the ZIP extra field for alignment, common to several tools."""


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]], *, compress: bool) -> None:
    """Write arrays to an NPZ file; an existing file is replaced by the complete one.

    Args:
        path: The file; numpy's suffix is not appended.
        arrays: Arrays by name, without Python objects.
        compress: Whether to compress them; uncompressed ones can be mapped by `read_arrays`.
    """
    # Writing in place would change a mapped file under its readers.
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

    Uncompressed arrays are mapped privately: changes stay in this process. They stay valid if the
    file is replaced, not if it is overwritten in place. Headers are checked before anything is
    allocated, see `brpnas.array_headers`.

    Args:
        path: The file.
        limit: Limit of the bytes of compressed arrays together; None for no limit.

    Raises:
        FileNotFoundError: If the file is missing.
        SchemaError: If it is not a complete archive of plain arrays, or exceeds the limit.
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
    """Extra field up to a multiple of the alignment, which numpy's header keeps."""
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
