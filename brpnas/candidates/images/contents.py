"""Interface of readers of images: labels at once, pixels on request."""

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
    """The common format of all images of a source; see `ImageData`.

    Attributes:
        shape: Channels, height and width.
        dtype: ``uint8``, ``uint16`` or ``float32``.
        pixel_scale: Divisor of the pixels.
        colours: Mode of Pillow; None for arrays.
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
    """Unread images of a source.

    `survey` reads headers and returns the common format, or raises a SchemaError that names an
    exception. `batches` then reads the pixels in this format.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of images."""

    @abstractmethod
    def where(self, row: int) -> str:
        """Name of an image in errors, such as ``row 3 of x.parquet``."""

    @abstractmethod
    def survey(self, size: Size | None) -> PixelFormat:
        """Format of all images, resized and cropped if a size is given."""

    @abstractmethod
    def batches(self, form: PixelFormat, size: Size | None) -> Iterator[npt.NDArray[Any]]:
        """All images in order, ``[n, C, H, W]`` in the type of the format."""


@dataclass(frozen=True, eq=False)
class Contents:
    """Content of a source.

    Attributes:
        labels: An integer or string per image.
        pixels: The images.
        label_names: Names of integer labels.
        split: Part of each image, by any of its usual names.
    """

    labels: npt.NDArray[Any]
    pixels: Pixels
    label_names: tuple[str, ...] | None = None
    split: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Found:
    """Files of a source, for the cache, and their reader.

    Attributes:
        files: The files.
        read: Reads them.
        remark: Message for the user about the listing.
    """

    files: tuple[Path, ...]
    read: Callable[[], Contents]
    remark: str | None = None
