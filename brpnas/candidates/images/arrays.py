"""Images stored as arrays of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.candidates.images.contents import PixelFormat, Pixels, Size
from brpnas.candidates.images.decode import fit
from brpnas.errors import SchemaError

__all__ = ["ArrayImages"]

_CHANNELS = (1, 3, 4)
Chunks = Callable[[], Iterator[npt.NDArray[Any]]]


class ArrayImages(Pixels):
    """Images of an array ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]``.

    Integers of 0..255 are divided by 255, larger ones of type uint16 by 65,535; floats are
    unchanged.

    Args:
        shape: Shape of the whole array.
        dtype: Type of the array.
        chunks: Reads the array, some images at a time.
        path: The source, for errors.
        where: Name of an image in errors.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        chunks: Chunks,
        path: str,
        where: Callable[[int], str],
    ) -> None:
        self._shape, self._dtype, self._chunks = shape, dtype, chunks
        self._path, self._where = path, where

    def __len__(self) -> int:
        """Number of images."""
        return self._shape[0] if self._shape else 0

    def where(self, row: int) -> str:
        """Name of an image in errors."""
        return self._where(row)

    def survey(self, size: Size | None) -> PixelFormat:
        """Format of all images; integers other than bytes are read to find their range.

        Raises:
            SchemaError: If shape or type do not fit images, or integers are out of range.
        """
        shape = self._image_shape()
        dtype, scale = self._type()
        return PixelFormat((shape[0], *(size or shape[1:])), dtype, scale, None)

    def batches(self, form: PixelFormat, size: Size | None) -> Iterator[npt.NDArray[Any]]:
        """All images in order, ``[n, C, H, W]``."""
        for chunk in self._chunks():
            batch = self._channels_first(chunk).astype(form.dtype)
            yield batch if size is None else fit(batch, size)

    def _is_channels_last(self) -> bool:
        return self._shape[1] not in _CHANNELS and self._shape[3] in _CHANNELS

    def _channels_first(self, chunk: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if chunk.ndim == 3:
            return chunk[:, None]
        return chunk.transpose(0, 3, 1, 2) if self._is_channels_last() else chunk

    def _image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        shape = self._shape
        if len(shape) == 3:
            shape = (shape[0], 1, *shape[1:])
        elif len(shape) == 4 and self._is_channels_last():
            shape = (shape[0], shape[3], *shape[1:3])
        if len(shape) != 4 or shape[1] not in _CHANNELS or 0 in shape:
            raise SchemaError(
                f"The images of {self._path} have shape {self._shape}, not [N, H, W], "
                "[N, H, W, C] or [N, C, H, W] with 1, 3 or 4 channels."
            )
        return shape[1], shape[2], shape[3]

    def _type(self) -> tuple[str, float]:
        kind = self._dtype.kind
        if kind == "f":
            return "float32", 1.0
        if kind == "b" or self._dtype == np.uint8:
            return "uint8", 255.0 if kind != "b" else 1.0
        if kind not in "iu":
            raise SchemaError(
                f"The images of {self._path} are of type {self._dtype}, not numbers. Save "
                "them as uint8."
            )
        lowest, highest = 0, 0
        for chunk in self._chunks():
            lowest, highest = min(lowest, int(chunk.min())), max(highest, int(chunk.max()))
        if lowest >= 0 and highest <= 255:
            return "uint8", 255.0
        if self._dtype.newbyteorder("=") == np.uint16:
            return "uint16", 65_535.0
        raise SchemaError(
            f"The images of {self._path} are integers from {lowest} to {highest} of type "
            f"{self._dtype}. Integers must lie in 0..255, or in 0..65535 with type uint16; save "
            "others as floats in the range for the network."
        )
