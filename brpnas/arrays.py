"""Arrays in NPZ files with the same bytes each time, and mapped instead of read where possible.

Not by `numpy.savez_compressed`, which writes other bytes under other releases of Python. What is
written uncompressed is aligned, and `read_arrays` maps it into memory.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

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
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(partial, "w") as file:
            for key, array in arrays.items():
                member = io.BytesIO()
                np.lib.format.write_array(member, array, allow_pickle=False)
                place = zipfile.ZipInfo(f"{key}.npy")
                method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
                if not compress:
                    place.extra = _padding(file.start_dir + _LOCAL_HEADER + len(place.filename))
                file.writestr(place, member.getbuffer(), compress_type=method)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Arrays of an NPZ file by name.

    Those that are stored uncompressed are mapped privately: what is written to them stays in this
    process. They are valid as long as the file is replaced, but not overwritten in place.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a member is no array, or one of Python objects.
        zipfile.BadZipFile: If it is no complete ZIP file.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    with path.open("rb") as raw, zipfile.ZipFile(raw) as file:
        for info in file.infolist():
            name = info.filename.removesuffix(".npy")
            is_large = info.compress_type == zipfile.ZIP_STORED and info.file_size > 2**16
            if is_large:
                arrays[name] = _map(path, raw, info)
            else:
                with file.open(info) as member:
                    arrays[name] = np.lib.format.read_array(member, allow_pickle=False)
    return arrays


def _padding(position: int) -> bytes:
    """Extra field that ends at a multiple of the alignment; numpy's own header keeps to it."""
    missing = -(position + 4) % _ALIGNMENT
    return struct.pack("<HH", _PADDING, missing) + bytes(missing)


def _map(path: Path, raw: IO[bytes], info: zipfile.ZipInfo) -> npt.NDArray[Any]:
    raw.seek(info.header_offset)
    header = raw.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER or not header.startswith(b"PK\x03\x04"):
        raise zipfile.BadZipFile(f"the header of {info.filename} is damaged")
    start = info.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", header[26:]))
    raw.seek(start)
    version = np.lib.format.read_magic(raw)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[version]
    shape, is_fortran, dtype = read_header(raw)
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    if dtype.hasobject or raw.tell() + size != start + info.file_size:
        raise ValueError(f"{info.filename} holds something else than its header says")
    mapped: npt.NDArray[Any] = np.memmap(
        path, dtype, "c", raw.tell(), shape, "F" if is_fortran else "C"
    )
    return np.asarray(mapped)
