"""What a reader of images hands over: labels at once, pixels when they are asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Contents", "Found", "PixelFormat", "Pixels", "Size"]

Size = tuple[int, int]
"""Height and width."""


@dataclass(frozen=True)
class PixelFormat:
    """The one format of all images of a source; see `ImageData` for its fields.

    Attributes:
        shape: Channels, height and width.
        dtype: ``uint8``, ``uint16`` or ``float32``.
        pixel_scale: What pixels are divided by.
        colours: Mode of Pillow, None for arrays.
    """

    shape: tuple[int, int, int]
    dtype: str
    pixel_scale: float
    colours: str | None

    @property
    def nbytes(self) -> int:
        """Bytes of one image."""
        channels, height, width = self.shape
        return channels * height * width * np.dtype(self.dtype).itemsize


class Pixels(ABC):
    """Images of a source that are not read yet.

    `survey` reads headers and says what format all images have in common, or raises a SchemaError
    that names one that differs. `batches` then reads the pixels in that format.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abstractmethod
    def where(self, row: int) -> str:
        """Name of an image in errors, as ``row 3 of x.parquet``."""

    @abstractmethod
    def survey(self, size: Size | None) -> PixelFormat:
        """Format of all images, resized and cropped if a size is given."""

    @abstractmethod
    def batches(self, form: PixelFormat, size: Size | None) -> Iterator[npt.NDArray[Any]]:
        """All images in order, ``[n, C, H, W]`` in the type of the format."""


@dataclass(frozen=True, eq=False)
class Contents:
    """What a source holds.

    Attributes:
        labels: An integer or string for each image.
        pixels: The images.
        label_names: Names of labels that are positions.
        split: Name of the part of each image, by any of its usual names.
    """

    labels: npt.NDArray[Any]
    pixels: Pixels
    label_names: tuple[str, ...] | None = None
    split: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Found:
    """Files of a source, by whose state a cache knows it, and how to read them.

    Attributes:
        files: The files.
        read: Reads them.
        remark: What the user should know about the listing.
    """

    files: tuple[Path, ...]
    read: Callable[[], Contents]
    remark: str | None = None
