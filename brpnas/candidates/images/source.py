"""Sources of images: the digits of scikit-learn, a folder, an NPZ or Parquet file."""

from __future__ import annotations

import functools
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from brpnas.candidates.images.cache import CacheEntry, StoredImages, files_state
from brpnas.candidates.images.contents import Found, PixelFormat
from brpnas.candidates.images.data import SPLITS, ImageData
from brpnas.candidates.images.folder import find_folder
from brpnas.candidates.images.labels import encode_labels
from brpnas.candidates.images.npz import find_npz
from brpnas.candidates.images.parquet import find_parquet
from brpnas.candidates.images.shards import find_shards
from brpnas.candidates.images.split import describe_split, split_parts
from brpnas.errors import BrpNasError, ConfigurationError, SchemaError, SourceError

__all__ = ["DIGITS", "ImageSource"]

_log = logging.getLogger(__name__)
DIGITS = "digits"
"""Name of the embedded data set: 1,797 digits of 8 x 8 pixels (Alpaydin & Kaynak, UCI, 1998)."""
_DIGITS_SHAPE = (1, 8, 8)
_DIGITS_LABELS = tuple(str(label) for label in range(10))
_DIGITS_SCALE = 16.0
_DIGITS_SHARE = 1 / 3
"""Split of NB201-Digits, the embedded benchmark."""
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class ImageSource:
    """A source of images, their size and their split.

    Sources are ``digits``; a folder of pictures with a folder per class, optionally below
    ``train``, ``valid`` and ``test``; a Parquet file, or a folder of them, one or more per part; an
    NPZ file. See docs/train_candidates.md. A source is small enough to send to workers; they map
    the pixels from a cache.

    Args:
        path: ``digits``, or path of a folder, an NPZ or a Parquet file.
        valid_share: Share of validation images if the source names no ``valid`` part. None: a share
            by size, see `brpnas.candidates.images.split`; for the digits a third, as in the
            embedded benchmark.
        test_share: The same for the test.
        split_seed: Seed of the split; classes keep their shares.
        size: Height and width, or one number for both, to resize (shorter side, bilinear) and crop
            (centre) images to; None if all have one size.
        label: Column of the labels of a Parquet file with several.
        cache: Folder for decoded pixels; None for ``brpnas/images`` in the user's cache folder.

    Raises:
        ConfigurationError: If the shares leave no training images, or the size is out of range.
    """

    path: str = DIGITS
    valid_share: float | None = None
    test_share: float | None = None
    split_seed: int = 0
    size: int | tuple[int, int] | None = None
    label: str | None = None
    cache: str | None = None

    def __post_init__(self) -> None:
        given = [share for share in (self.valid_share, self.test_share) if share is not None]
        if given and (min(given) <= 0 or sum(given) >= 1):
            raise ConfigurationError(
                "valid_share and test_share must be positive and leave rows to train on; they are "
                f"{self.valid_share} and {self.test_share}."
            )
        sides = (self.size, self.size) if isinstance(self.size, int) else self.size
        if sides is not None:
            if len(sides) != 2 or not all(1 <= side <= _LARGEST_SIDE for side in sides):
                raise ConfigurationError(
                    f"images.size must be one number or [height, width], from 1 to {_LARGEST_SIDE}"
                    f", not {self.size}."
                )
            object.__setattr__(self, "size", (int(sides[0]), int(sides[1])))

    @property
    def name(self) -> str:
        """Name of the data set in accuracy tables: ``digits``, or derived from the path."""
        if self.path == DIGITS:
            return DIGITS
        path = Path(self.path)
        own = path.stem if path.suffix.lower() in (".npz", ".parquet") else path.resolve().name
        return re.sub(r"[^a-z0-9._-]+", "-", own.lower()).strip("-._") or "images"

    def shape_and_labels(self) -> tuple[tuple[int, int, int], tuple[str, ...]]:
        """Channels, height and width of an image, and the class names.

        For ``digits`` they are known without scikit-learn; other images are read.

        Raises:
            SourceError: As `load`.
            SchemaError: As `load`.
        """
        if self.path == DIGITS:
            return _DIGITS_SHAPE, _DIGITS_LABELS
        data = self.load()
        return data.input_shape, data.label_names

    def sent(self) -> ImageSource:
        """The same source with its images, to send to workers that lack its path.

        Raises:
            SourceError: As `load`.
            SchemaError: As `load`.
        """
        return SentImages(**asdict(self), data=self.load())

    def load(self) -> ImageData:
        """Read the images; cached until a file changes.

        Raises:
            SourceError: If the path is missing or unreadable, or the cache has no room.
            SchemaError: If the content is not images and labels as described above.
        """
        if self.path == DIGITS:
            return _load(self, None, "")
        with _as_source_errors(self.path):
            found = _find(self)
            return _load(self, _Once(found), files_state(found.files))


@dataclass(frozen=True)
class SentImages(ImageSource):
    """Images sent with a source, for workers without its path; see `ImageSource.sent`."""

    data: ImageData | None = field(default=None, compare=False, repr=False)

    def load(self) -> ImageData:
        """The sent images."""
        assert self.data is not None
        return self.data


class _Once:
    """Files of a source as an argument ignored by the cache of `_load`: equal to any other."""

    def __init__(self, found: Found) -> None:
        self.found = found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Once)

    def __hash__(self) -> int:
        return 0


@contextmanager
def _as_source_errors(path: str) -> Iterator[None]:
    """Turn errors of numpy, zipfile and pyarrow for a damaged file into a SourceError."""
    try:
        yield
    except BrpNasError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from error
    except pa.ArrowException as error:
        raise SourceError(f"{path} cannot be read: {error}.") from error


def _find(source: ImageSource) -> Found:
    path = Path(source.path)
    if path.is_dir():
        return find_shards(path, source.label) or find_folder(path)
    suffix = path.suffix.lower()
    if not path.exists() and (suffix in (".npz", ".parquet") or "/" in source.path):
        raise SourceError(
            f"There is no file or folder {path} (seen from {Path.cwd()}). On a cluster the path "
            "must lead to the same images on every machine."
        )
    if not path.is_file() or suffix not in (".npz", ".parquet"):
        raise SourceError(
            f"{path} is not a data set: give {DIGITS!r}, a folder of pictures, or an .npz or "
            ".parquet file."
        )
    return find_npz(path) if suffix == ".npz" else find_parquet(path, source.label)


@functools.lru_cache(maxsize=1)
def _load(source: ImageSource, once: _Once | None, state: str) -> ImageData:
    if once is not None and once.found.remark is not None:
        _log.info("%s: %s", source.path, once.found.remark)
    stored = _digits() if once is None else _stored(source, once.found, state)
    own = _DIGITS_SHARE if once is None else None
    shares = [own if share is None else share for share in (source.valid_share, source.test_share)]
    parts = split_parts(
        stored.labels,
        stored.label_names,
        stored.split,
        (shares[0], shares[1]),
        source.split_seed,
        source.path,
    )
    data = ImageData(
        source.name,
        stored.pixels,
        stored.labels,
        parts,
        stored.label_names,
        stored.form.pixel_scale,
        stored.form.colours,
        None if isinstance(source.size, int) else source.size,
        describe_split(stored.split, parts, source.split_seed),
    )
    _describe(data, describe_split(stored.split, parts, source.split_seed, counts=False))
    return data


def _stored(source: ImageSource, found: Found, state: str) -> StoredImages:
    settings = (source.size, source.label)
    path = str(Path(source.path).resolve())
    entry = CacheEntry(source.name, path, settings, state, source.cache)
    stored = entry.load()
    if stored is not None:
        return stored
    contents = found.read()
    pixels = contents.pixels
    labels, names = encode_labels(contents.labels, contents.label_names, source.path, pixels.where)
    if len(labels) != len(pixels):
        raise SchemaError(f"{source.path} has {len(pixels)} images but {len(labels)} labels.")
    # Checked before decoding the pixels, the longest step.
    shares = (source.valid_share, source.test_share)
    split_parts(labels, names, contents.split, shares, source.split_seed, source.path)
    size = None if isinstance(source.size, int) else source.size
    return entry.store(contents, labels, names, size)


def _digits() -> StoredImages:
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SourceError(
            "The embedded digits come with scikit-learn: pip install 'brpnas[candidates]'."
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    images = pixels.reshape(-1, *_DIGITS_SHAPE).astype(np.uint8)
    form = PixelFormat(_DIGITS_SHAPE, "uint8", _DIGITS_SCALE, None)
    return StoredImages(images, form, labels.astype(np.int64), _DIGITS_LABELS, None)


def _describe(data: ImageData, split: str) -> None:
    channels, height, width = data.input_shape
    _log.info(
        "%s: %d images of %d x %d with %d channel%s in %d classes; %s; %s",
        data.name,
        len(data.pixels),
        height,
        width,
        channels,
        "" if channels == 1 else "s",
        len(data.label_names),
        ", ".join(f"{len(data.parts[part])} {part}" for part in SPLITS),
        split,
    )
