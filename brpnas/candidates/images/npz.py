"""Images in an NPZ file: the arrays ``images``, ``labels``, ``split`` and ``label_names``."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from brpnas.array_headers import ArrayHeader, check_text, read_headers
from brpnas.candidates.images.arrays import ArrayImages
from brpnas.candidates.images.contents import Contents, Found
from brpnas.errors import SchemaError, SourceError

__all__ = ["find_npz", "plausible_size"]

_CHUNK = 2**24
"""Bytes of pixels read at a time."""
_FREE, _RATIO = 2**28, 64
_LABELS = 2**28
"""Most bytes of each array except the images."""


def plausible_size(path: Path) -> int:
    """Largest accepted decompressed size: 256 MiB plus 64 times the size of the file.

    Pictures compress two- or threefold, rarely more than tenfold.
    """
    return _FREE + _RATIO * path.stat().st_size


def find_npz(path: Path) -> Found:
    """An NPZ file of images."""
    return Found((path,), lambda: _read(path))


def _read(path: Path) -> Contents:
    if _is_single_array(path):
        raise SchemaError(f"{path} holds one array and no names: write it with numpy.savez.")
    headers = read_headers(path, limit=plausible_size(path))
    missing = [name for name in ("images", "labels") if name not in headers]
    if missing:
        names = ", ".join(list(headers)[:20])
        raise SchemaError(
            f"{path} has no {' and no '.join(missing)}, only {names}: see "
            "docs/train_candidates.md for the format."
        )
    header = headers["images"]
    pixels = ArrayImages(
        header.shape,
        header.dtype,
        lambda: _chunks(path, header),
        str(path),
        lambda row: f"row {row} of {path}",
    )
    labels = _array(path, "labels", headers)
    given = _array(path, "label_names", headers) if "label_names" in headers else None
    if labels.ndim == 1 and len(labels) != len(pixels):
        raise SchemaError(f"{path} has {len(pixels)} images but {len(labels)} labels.")
    return Contents(
        labels,
        pixels,
        None if given is None else tuple(_text(name) for name in np.ravel(given).tolist()),
        _array(path, "split", headers) if "split" in headers else None,
    )


def _is_single_array(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"\x93NUMPY"


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _array(path: Path, name: str, headers: Mapping[str, ArrayHeader]) -> npt.NDArray[Any]:
    if headers[name].nbytes > _LABELS:
        raise SchemaError(
            f"The array {name} of {path} has shape {headers[name].shape} of {headers[name].dtype}: "
            "too large for one integer or short string an image."
        )
    with zipfile.ZipFile(path) as file, _member(file, path, name) as member:
        array: npt.NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
    check_text(array, f"{path}: the array {name!r}")
    return array


def _chunks(path: Path, header: ArrayHeader) -> Iterator[npt.NDArray[Any]]:
    """Images in order, a chunk at a time; the checksum of the member is verified."""
    count, *shape = header.shape
    one = max(header.nbytes // max(count, 1), 1)
    if header.is_fortran and header.nbytes > _LABELS:
        raise SchemaError(
            f"The images of {path} are stored with their first axis innermost (Fortran order). "
            "Save numpy.ascontiguousarray(images)."
        )
    step = count if header.is_fortran else max(1, _CHUNK // one)
    try:
        with zipfile.ZipFile(path) as file, _member(file, path, "images") as member:
            member.read(header.length)
            for start in range(0, count, step):
                rows = min(step, count - start)
                flat = np.frombuffer(_exactly(member, rows * one), header.dtype)
                if header.is_fortran:
                    yield flat.reshape(header.shape[::-1]).T
                else:
                    yield flat.reshape(rows, *shape)
            member.read(1)  # at the end zipfile compares the checksum
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, SchemaError):
            raise
        raise SourceError(f"{path} cannot be read: {error}.") from error


def _member(file: zipfile.ZipFile, path: Path, name: str) -> IO[bytes]:
    for member in (f"{name}.npy", name):
        if member in file.NameToInfo:
            return file.open(member)
    raise SourceError(f"{path} changed during reading. Run this again.")


def _exactly(stream: IO[bytes], count: int) -> bytes:
    content = stream.read(count)
    if len(content) != count:
        raise EOFError("the images end early")
    return content
