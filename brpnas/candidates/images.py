"""Images with labels, to train candidate networks on.

`ImageSource` names a data set: the digits that come with scikit-learn, or an NPZ or Parquet file.
`ImageSource.load` reads it, and says in a sentence what is wrong with a file that is not one. A
source is small, so that it can be sent to workers, each of which loads the images once.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import ConfigurationError, SchemaError, SourceError

__all__ = ["DIGITS", "SPLITS", "ImageData", "ImageSource"]

DIGITS = "digits"
"""Name of the embedded data set: 1,797 digits of 8 x 8 pixels (Alpaydin & Kaynak, UCI, 1998)."""
SPLITS = ("train", "valid", "test")

FloatImages = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_COLOURS = (1, 3, 4)
_DIGITS_SCALE = 16.0


@dataclass(frozen=True, eq=False)
class ImageData:
    """Labelled images in three disjoint parts.

    Args:
        name: Name of the data set in accuracy tables.
        images: Pixels, shape ``[N, C, H, W]``; integers of a file are scaled to 0..1.
        labels: Index into ``label_names``, shape ``[N]``.
        parts: Rows of ``train``, ``valid`` and ``test``.
        label_names: Name of each class.
        pixel_scale: What the pixels of the source were divided by.
    """

    name: str
    images: FloatImages
    labels: IntArray
    parts: Mapping[str, IntArray]
    label_names: tuple[str, ...]
    pixel_scale: float = 1.0

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    @functools.cached_property
    def normalisation(self) -> tuple[FloatImages, FloatImages]:
        """Mean and standard deviation of each channel over the training rows, shape ``[C]``.

        A constant channel has deviation 1.
        """
        train = self.images[self.parts["train"]]
        mean = train.mean(axis=(0, 2, 3), dtype=np.float64)
        std = train.std(axis=(0, 2, 3), dtype=np.float64)
        return mean.astype(np.float32), np.where(std > 0, std, 1.0).astype(np.float32)

    @functools.cached_property
    def digest(self) -> str:
        """Hash of pixels, labels and parts: equal for equal data, whatever the file."""
        content = hashlib.sha256()
        parts = [self.parts[part] for part in SPLITS]
        arrays: list[npt.NDArray[Any]] = [self.images, self.labels, *parts]
        for array in arrays:
            content.update(str(array.shape).encode())
            content.update(np.ascontiguousarray(array).tobytes())
        content.update("\0".join(self.label_names).encode())
        return content.hexdigest()[:16]


@dataclass(frozen=True)
class ImageSource:
    """Where images come from, and how they are split if the file does not say.

    A file holds ``images`` (``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]``, integers of 0..255
    or floats that are taken as they are) and ``labels`` (integers or strings), optionally ``split``
    (``train``, ``valid`` or ``test`` for each) and, in NPZ, ``label_names``. In Parquet they are
    the columns ``image`` (nested lists, or the bytes of a PNG or JPEG) and ``label``, optionally
    ``split``.

    Args:
        path: ``digits``, or path of an NPZ or Parquet file.
        valid_share: Share of the rows for validation, where the file has no ``valid`` rows.
        test_share: Share of the rows for the test, where the file has no ``test`` rows.
        split_seed: Decides which rows; classes keep their shares.

    Raises:
        ConfigurationError: If the shares leave nothing to train on.
    """

    path: str = DIGITS
    valid_share: float = 1 / 3
    test_share: float = 1 / 3
    split_seed: int = 0

    def __post_init__(self) -> None:
        shares = (self.valid_share, self.test_share)
        if min(shares) <= 0 or sum(shares) >= 1:
            raise ConfigurationError(
                f"valid_share and test_share must be positive and leave rows to train on; they are "
                f"{self.valid_share:g} and {self.test_share:g}."
            )

    @property
    def name(self) -> str:
        """Name of the data set in accuracy tables: ``digits``, or made from the file's name."""
        if self.path == DIGITS:
            return DIGITS
        return re.sub(r"[^a-z0-9._-]+", "-", Path(self.path).stem.lower()).strip("-._") or "images"

    def load(self) -> ImageData:
        """Read the images; kept in memory for the next call, until the file changes.

        Raises:
            SourceError: If there is no such file, or it cannot be read.
            SchemaError: If it does not hold images and labels as described above.
        """
        file = Path(self.path)
        state = file.stat() if self.path != DIGITS and file.is_file() else None
        return _load(self, state and (state.st_mtime_ns, state.st_size))


@functools.lru_cache(maxsize=1)
def _load(source: ImageSource, _state: tuple[int, int] | None) -> ImageData:
    columns = _read(source.path)
    missing = [name for name in ("images", "labels") if name not in columns]
    if missing:
        raise SchemaError(
            f"{source.path} has no {' and no '.join(missing)}, only {', '.join(columns)}: see "
            "docs/train_candidates.md for the format."
        )
    images, scale = _as_images(np.asarray(columns["images"]), source.path)
    if source.path == DIGITS:
        scale = _DIGITS_SCALE
    labels, names = _as_labels(np.asarray(columns["labels"]), columns.get("label_names"), source)
    if len(images) != len(labels):
        raise SchemaError(f"{source.path} has {len(images)} images but {len(labels)} labels.")
    parts = _parts(labels, columns.get("split"), source)
    return ImageData(source.name, images, labels, parts, names, scale)


def _read(path: str) -> dict[str, Any]:
    if path == DIGITS:
        return _digits()
    file = Path(path)
    if file.suffix not in (".npz", ".parquet"):
        raise SourceError(f"{path} is no data set: give {DIGITS!r}, or an .npz or .parquet file.")
    if not file.is_file():
        raise SourceError(
            f"There is no file {path} (seen from {Path.cwd()}). On a cluster the path must lead to "
            "the same file on every machine."
        )
    try:
        return _read_npz(file) if file.suffix == ".npz" else _read_parquet(file)
    except (SchemaError, SourceError):
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise SourceError(f"{path} cannot be read: {error}.") from error


def _digits() -> dict[str, Any]:
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SourceError(
            "The embedded digits come with scikit-learn: pip install 'brpnas[candidates]'."
        ) from error
    pixels, labels = load_digits(return_X_y=True)
    images = (pixels / _DIGITS_SCALE).reshape(-1, 8, 8).astype(np.float32)
    return {"images": images, "labels": labels}


def _read_npz(path: Path) -> dict[str, Any]:
    data = np.load(path, allow_pickle=False)
    if isinstance(data, np.ndarray):
        raise SchemaError(f"{path} holds one array and no names: write it with numpy.savez.")
    with data:
        return {name: data[name] for name in data.files}


def _read_parquet(path: Path) -> dict[str, Any]:
    table = pd.read_parquet(path)
    columns: dict[str, Any] = {}
    if "image" in table:
        pictures = [_decode(cell, row, path) for row, cell in enumerate(table["image"])]
        shapes = {picture.shape for picture in pictures}
        if len(shapes) > 1:
            raise SchemaError(
                f"The images of {path} differ in shape: {sorted(shapes)[:3]} and so on. Resize "
                "them to one shape."
            )
        columns["images"] = np.stack(pictures) if pictures else np.empty((0, 1, 1))
    if "label" in table:
        columns["labels"] = table["label"].to_numpy()
    if "split" in table:
        columns["split"] = table["split"].to_numpy()
    return columns


def _decode(cell: Any, row: int, path: Path) -> npt.NDArray[Any]:
    """One picture of a Parquet cell: encoded bytes, alone or in a struct, or nested lists."""
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if not isinstance(content, bytes):
        try:
            return _nested(content)
        except (TypeError, ValueError) as error:
            raise SchemaError(
                f"The image in row {row} of {path} is neither nested lists nor an encoded picture."
            ) from error
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SourceError(f"{path} holds encoded pictures: pip install pillow.") from error
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return np.asarray(picture if picture.mode == "L" else picture.convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise SchemaError(f"The image in row {row} of {path} is no picture: {error}.") from error


def _nested(lists: Any) -> npt.NDArray[Any]:
    """Array of lists in lists; pandas reads them as arrays of arrays, of type object."""
    array = np.asarray(lists)
    return np.stack([_nested(part) for part in array]) if array.dtype == object else array


def _as_images(array: npt.NDArray[Any], path: str) -> tuple[FloatImages, float]:
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[1] not in _COLOURS and array.shape[3] in _COLOURS:
        array = array.transpose(0, 3, 1, 2)
    if array.ndim != 4 or array.shape[1] not in _COLOURS or not array.size:
        raise SchemaError(
            f"The images of {path} have shape {array.shape}, not [N, H, W], [N, H, W, C] or "
            "[N, C, H, W] with 1, 3 or 4 channels."
        )
    if not (np.issubdtype(array.dtype, np.number) or array.dtype == np.bool_):
        raise SchemaError(f"The images of {path} are of type {array.dtype}, not numbers.")
    scale = 255.0 if np.issubdtype(array.dtype, np.integer) else 1.0
    images = np.ascontiguousarray(array, np.float32) / np.float32(scale)
    if not np.isfinite(images).all():
        raise SchemaError(f"The images of {path} hold numbers that are not finite.")
    return images, scale


def _as_labels(
    array: npt.NDArray[Any], names: Any, source: ImageSource
) -> tuple[IntArray, tuple[str, ...]]:
    if array.ndim != 1 or array.dtype.kind not in "iuOUS":
        raise SchemaError(
            f"The labels of {source.path} must be one integer or string for each image, not "
            f"{array.dtype} of shape {array.shape}."
        )
    missing = np.flatnonzero(pd.isna(array))
    if len(missing):
        raise SchemaError(f"The image in row {missing[0]} of {source.path} has no label.")
    text = array.dtype.kind in "OS"
    values, labels = np.unique(array.astype(str) if text else array, return_inverse=True)
    if len(values) < 2:
        raise SchemaError(
            f"The labels of {source.path} are all {values[0] if len(values) else 'missing'}: "
            "nothing to tell apart."
        )
    if names is None:
        return labels.astype(np.int64), tuple(str(value) for value in values)
    given = tuple(str(name) for name in np.asarray(names).tolist())
    if array.dtype.kind not in "iu" or values.min() < 0 or values.max() >= len(given):
        raise SchemaError(
            f"{source.path} names {len(given)} labels, so its labels must be integers from 0 to "
            f"{len(given) - 1}."
        )
    return array.astype(np.int64), given


def _parts(labels: IntArray, split: Any, source: ImageSource) -> dict[str, IntArray]:
    rows = np.arange(len(labels))
    named = np.full(len(labels), "train") if split is None else np.asarray(split).astype(str)
    unknown = sorted(set(named.tolist()) - set(SPLITS))
    if unknown or len(named) != len(labels):
        raise SchemaError(
            f"The split of {source.path} must say train, valid or test for each of the "
            f"{len(labels)} images" + (f", not {unknown[0]!r}." if unknown else ".")
        )
    parts = {part: rows[named == part] for part in SPLITS}
    rng = np.random.default_rng(source.split_seed)
    for part, share in (("test", source.test_share), ("valid", source.valid_share)):
        if not len(parts[part]):
            drawn = _stratified(labels[parts["train"]], share * len(labels), rng)
            parts[part] = parts["train"][drawn]
            parts["train"] = np.delete(parts["train"], drawn)
    empty = [part for part in SPLITS if not len(parts[part])]
    if empty or len(parts["train"]) < 2:
        raise SchemaError(
            f"{source.path} has {len(labels)} images, too few for a {(empty or ['train'])[0]} part."
        )
    return parts


def _stratified(labels: IntArray, count: float, rng: np.random.Generator) -> IntArray:
    """Positions of about ``count`` rows, each class with its share, sorted."""
    share = min(count / max(len(labels), 1), 1.0)
    drawn = [
        rng.permutation(np.flatnonzero(labels == label))[: round(share * (labels == label).sum())]
        for label in np.unique(labels)
    ]
    return np.sort(np.concatenate([np.empty(0, np.int64), *drawn])).astype(np.int64)
