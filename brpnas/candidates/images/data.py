"""Labelled images in three parts, and the steps from a picture to the input of a network."""

from __future__ import annotations

import functools
import hashlib
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["INTERPOLATION", "SPLITS", "FloatImages", "ImageData", "IntArray"]

SPLITS = ("train", "valid", "test")
INTERPOLATION = "bilinear"
"""Name of Pillow's filter for `ImageSource` with a size."""

FloatImages = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
_CHUNK = 2**23
"""Bytes of float32 pixels in work at a time."""


@dataclass(frozen=True, eq=False)
class ImageData:
    """Labelled images in three disjoint parts.

    Args:
        name: Name of the data set in accuracy tables.
        pixels: Pixels as stored, shape ``[N, C, H, W]``, of type uint8, uint16 or float32; for a
            file mapped from a cache shared by processes.
        labels: Index into ``label_names``, shape ``[N]``.
        parts: Rows of ``train``, ``valid`` and ``test``.
        label_names: Name of each class.
        pixel_scale: Divisor of the pixels: 255, 65,535 for 16 bits, 1 for floats.
        colours: Mode of Pillow of converted pictures: ``L`` (grey), ``RGB``, ``I;16`` (grey, 16
            bits) or ``F``; None for arrays.
        size: Height and width of resized and cropped images; None for the original size.
        split: Origin of the parts, in words.
    """

    name: str
    pixels: npt.NDArray[Any]
    labels: IntArray
    parts: Mapping[str, IntArray]
    label_names: tuple[str, ...]
    pixel_scale: float = 1.0
    colours: str | None = None
    size: tuple[int, int] | None = None
    split: str = "not stated"

    @property
    def images(self) -> FloatImages:
        """Pixels of all images, divided by ``pixel_scale``; each call reads them into memory."""
        return self.scaled(slice(None))

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        _, channels, height, width = self.pixels.shape
        return channels, height, width

    def scaled(self, rows: IntArray | slice) -> FloatImages:
        """Pixels of some rows as float32, divided by ``pixel_scale``, ``[n, C, H, W]``."""
        pixels: FloatImages = self.pixels[rows].astype(np.float32)
        if self.pixel_scale != 1:
            pixels /= np.float32(self.pixel_scale)
        return pixels

    @functools.cached_property
    def normalisation(self) -> tuple[FloatImages, FloatImages]:
        """Mean and standard deviation of each channel over the training rows, shape ``[C]``.

        A constant channel has deviation 1.
        """
        channels, height, width = self.input_shape
        count = len(self.parts["train"]) * height * width
        total, squares = np.zeros(channels), np.zeros(channels)
        for chunk in self._chunks("train"):
            total += chunk.sum(axis=(0, 2, 3), dtype=np.float64)
        mean = total / count
        for chunk in self._chunks("train"):
            deviation = chunk - mean[:, None, None]
            squares += np.square(deviation).sum(axis=(0, 2, 3), dtype=np.float64)
        std = np.sqrt(squares / count)
        return mean.astype(np.float32), np.where(std > 0, std, 1.0).astype(np.float32)

    @functools.cached_property
    def digest(self) -> str:
        """Hash of scaled pixels, labels and parts, independent of the file."""
        content = hashlib.sha256(str(self.pixels.shape).encode())
        for chunk in self._chunks(None):
            content.update(np.ascontiguousarray(chunk).data)
        for array in (self.labels, *(self.parts[part] for part in SPLITS)):
            content.update(str(array.shape).encode())
            content.update(np.ascontiguousarray(array).tobytes())
        content.update("\0".join(self.label_names).encode())
        return content.hexdigest()[:16]

    @property
    def picture_steps(self) -> dict[str, Any]:
        """Steps from a picture to pixels, in order (JSON types); None for a skipped step.

        ``orientation``: rotated by EXIF. ``colours``: converted to this mode of Pillow.
        ``resize``: scaled to cover ``size`` (height, width), then cropped to the centre.
        """
        resize = {"size": list(self.size), "fit": "cover", "crop": "centre"} if self.size else None
        return {
            "orientation": "exif" if self.colours else None,
            "colours": self.colours,
            "resize": resize and {**resize, "interpolation": INTERPOLATION},
        }

    def release(self) -> None:
        """Free the memory of mapped pixels; later reads map them again.

        Without it every process ends up with the whole file in memory. Values written to ``pixels``
        are lost.
        """
        mapped: Any = self.pixels
        while isinstance(mapped, np.ndarray):
            mapped = mapped.base
        if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            mapped.madvise(mmap.MADV_DONTNEED)

    def _chunks(self, part: str | None) -> Iterator[FloatImages]:
        """Scaled pixels of a part, or of all rows, a few at a time."""
        step = max(1, _CHUNK // (4 * int(np.prod(self.input_shape))))
        rows = None if part is None else self.parts[part]
        for start in range(0, len(self.pixels) if rows is None else len(rows), step):
            chosen = slice(start, start + step)
            yield self.scaled(chosen if rows is None else rows[chosen])
            self.release()
