"""Decoded pixels of a source in one file, shared by processes and decoded once.

A folder of the cache belongs to one source and size; its name ends with a hash of the state of all
files (name, length, times). It is written under a lock and renamed when complete; older states of
the source are then deleted.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pooch

from brpnas.arrays import read_arrays, write_arrays
from brpnas.candidates.images.contents import Contents, PixelFormat, Size
from brpnas.candidates.images.data import IntArray
from brpnas.errors import BrpNasError, SchemaError, SourceError
from brpnas.locks import locked

__all__ = ["CacheEntry", "StoredImages", "files_state"]

_log = logging.getLogger(__name__)
_VERSION = 1
_FACTS = "facts.json"
_PATIENCE_S = 3600.0
_MARGIN = 2**26
"""Bytes to keep free on the disk."""
_REMEDY = (
    "Free room there, set images.size to a smaller size, or set XDG_CACHE_HOME to a folder on "
    "another disk."
)


@dataclass(frozen=True, eq=False)
class StoredImages:
    """Images in the cache.

    Attributes:
        pixels: ``[N, C, H, W]``, mapped.
        form: Their format.
        labels: Positions in ``label_names``.
        label_names: Name of each class.
        split: Part of each image, if the source names parts.
    """

    pixels: npt.NDArray[Any]
    form: PixelFormat
    labels: IntArray
    label_names: tuple[str, ...]
    split: npt.NDArray[np.str_] | None


def files_state(files: Sequence[Path]) -> str:
    """Hash of names, lengths and times of files; changes with each of them.

    Raises:
        SourceError: If a file is not accessible.
    """
    content = hashlib.sha256()
    for file in files:
        try:
            state = file.stat()
        except OSError as error:
            raise SourceError(f"{file} cannot be read: {error.strerror}.") from error
        known = (os.fspath(file), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino)
        content.update(repr(known).encode())
    return content.hexdigest()[:16]


class CacheEntry:
    """The place of a source in a cache.

    Args:
        name: Name of the data set.
        path: Absolute path of the source.
        settings: Settings of the pixels beside the files: size, label column.
        state: Hash of the files, see `files_state`.
        folder: Folder of the cache; if None or read-only, the user's cache
            (``$XDG_CACHE_HOME/brpnas/images``).
    """

    def __init__(
        self, name: str, path: str, settings: tuple[object, ...], state: str, folder: str | None
    ) -> None:
        self._path = path
        own = hashlib.sha256(repr((_VERSION, path, *settings)).encode()).hexdigest()[:12]
        self._prefix, self._state = f"{name}-{own}", state
        users = Path(pooch.os_cache("brpnas")) / "images"
        self._folders = [users] if folder is None else [Path(folder), users]

    def load(self) -> StoredImages | None:
        """The images, mapped; None if they are not in the cache."""
        for folder in self._folders:
            place = folder / f"{self._prefix}-{self._state}"
            try:
                return _load(place)
            except Exception:  # missing or damaged: decode again
                continue
        return None

    def store(
        self, contents: Contents, labels: IntArray, label_names: tuple[str, ...], size: Size | None
    ) -> StoredImages:
        """Decode all images into the cache.

        Args:
            contents: The images.
            labels: Positions in ``label_names``.
            label_names: Name of each class.
            size: Height and width to resize to.

        Raises:
            SchemaError: If an image cannot be used, see `Pixels`.
            SourceError: If no cache folder has enough room.
        """
        form = contents.pixels.survey(size)
        needed = len(labels) * form.nbytes
        folder = self._writable(needed)
        place = folder / f"{self._prefix}-{self._state}"
        with locked(folder / self._prefix, "cache of images", _PATIENCE_S):
            stored = self.load()  # from the previous holder of the lock
            if stored is not None:
                return stored
            self._clean(folder)
            partial = folder / f"{place.name}.partial"
            try:
                partial.mkdir()
                _write(partial, contents, form, size, labels, label_names, self._path)
                partial.rename(place)
                return _load(place)
            except OSError as error:
                if isinstance(error, BrpNasError):
                    raise
                raise SourceError(
                    f"The decoded images need {needed / 1e9:.3g} GB and cannot be written to "
                    f"{folder}: {error.strerror or error}. {_REMEDY}"
                ) from error
            finally:
                shutil.rmtree(partial, ignore_errors=True)

    def _writable(self, needed: int) -> Path:
        complaints = []
        for folder in self._folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                free = shutil.disk_usage(folder).free
            except OSError as error:
                complaints.append(f"{folder}: {error.strerror}")
                continue
            if not os.access(folder, os.W_OK):
                complaints.append(f"{folder}: not writable")
            elif free < needed + _MARGIN:
                complaints.append(f"{folder}: {free / 1e9:.2f} GB free")
            else:
                return folder
        raise SourceError(
            f"The decoded images need {needed / 1e9:.2f} GB on a disk, more than is free "
            f"({'; '.join(complaints)}). {_REMEDY}"
        )

    def _clean(self, folder: Path) -> None:
        """Delete other states of the source, and deleted sources.

        Processes keep what they have mapped.
        """
        for old in folder.iterdir():
            if old.name.startswith(f"{self._prefix}-"):
                shutil.rmtree(old)
                _log.info("%s is deleted: the images have changed, or it is not complete", old)
            elif _is_orphan(old):
                shutil.rmtree(old, ignore_errors=True)
                lock = old.name.rpartition("-")[0]
                (folder / f"{lock}.lock").unlink(missing_ok=True)
                _log.info("%s is deleted: its images are gone", old)


def _write(
    folder: Path,
    contents: Contents,
    form: PixelFormat,
    size: Size | None,
    labels: IntArray,
    label_names: tuple[str, ...],
    path: str,
) -> None:
    check = _Check(contents)
    with (folder / "pixels.npy").open("wb") as file:
        _reserve(file, (len(labels), *form.shape), np.dtype(form.dtype))
        row = 0
        for batch in contents.pixels.batches(form, size):
            check.add(batch, row)
            file.write(np.ascontiguousarray(batch).data)
            row += len(batch)
    check.end()
    split = {} if contents.split is None else {"split": np.asarray(contents.split, np.str_)}
    write_arrays(folder / "labels.npz", {"labels": labels, **split}, compress=True)
    facts = {"path": path, "form": asdict(form), "label_names": list(label_names)}
    (folder / _FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _reserve(file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Write the header of an array and reserve its room.

    The file is written, not mapped: on a full disk a map would kill the process by a signal.
    """
    header = {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(dtype)}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    if hasattr(os, "posix_fallocate"):  # fail before an hour of decoding
        try:
            os.posix_fallocate(file.fileno(), file.tell(), math.prod(shape) * dtype.itemsize)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # file systems without it
                raise


class _Check:
    """Finds pixels that are not finite, and images without contrast."""

    def __init__(self, contents: Contents) -> None:
        self._where = contents.pixels.where
        self._count = 0
        self._constant = 0
        self._first = -1

    def add(self, batch: npt.NDArray[Any], row: int) -> None:
        """Check the next images; ``row`` is the row of the first."""
        axes = (1, 2, 3)
        if batch.dtype.kind == "f":
            bad = np.flatnonzero(~np.isfinite(batch).all(axis=axes))
            if len(bad):
                raise SchemaError(
                    f"The image in {self._where(row + int(bad[0]))} has pixels that are not finite "
                    "(NaN or infinite). Replace them, or leave the image out."
                )
        constant = batch.min(axis=axes) == batch.max(axis=axes)
        if self._first < 0 and constant.any():
            self._first = row + int(constant.argmax())
        self._constant += int(np.count_nonzero(constant))
        self._count += len(batch)

    def end(self) -> None:
        """Refuse a source of constant images; warn of single ones."""
        if not self._constant:
            return
        first = self._where(self._first)
        if self._constant == self._count:
            raise SchemaError(
                f"All {self._count} images, from {first} on, are constant: every pixel of an image "
                "has the same value, so there is nothing to learn. Check how they were written."
            )
        _log.warning(
            "%d of %d images are constant, every pixel the same: %s is the first",
            self._constant,
            self._count,
            first,
        )


def _is_orphan(place: Path) -> bool:
    try:
        return not Path(json.loads((place / _FACTS).read_text(encoding="utf-8"))["path"]).exists()
    except (OSError, ValueError, LookupError, TypeError):
        return False  # not from this project, or unfinished


def _load(place: Path) -> StoredImages:
    facts = json.loads((place / _FACTS).read_text(encoding="utf-8"))
    form = PixelFormat(**{**facts["form"], "shape": tuple(facts["form"]["shape"])})
    # A private map, because torch needs writable memory.
    pixels = np.asarray(np.load(place / "pixels.npy", mmap_mode="c", allow_pickle=False))
    arrays = read_arrays(place / "labels.npz")
    if pixels.shape != (len(arrays["labels"]), *form.shape) or pixels.dtype != form.dtype:
        raise ValueError(f"{place} is damaged")
    names = tuple(facts["label_names"])
    return StoredImages(pixels, form, arrays["labels"], names, arrays.get("split"))
