"""Encoded pictures of one source as images of one format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from tqdm.auto import tqdm

from brpnas.candidates.images.contents import PixelFormat, Pixels, Size
from brpnas.candidates.images.decode import decode_picture, read_picture_header
from brpnas.errors import SchemaError

__all__ = ["EncodedPictures"]

_FORMATS = {"L": ("uint8", 255.0), "RGB": ("uint8", 255.0), "I;16": ("uint16", 65_535.0)}
_USUAL = (16, 32, 64)
_SHOW_AFTER_S = 3.0
Streams = Callable[[], Iterator[IO[bytes]]]


class EncodedPictures(Pixels):
    """Pictures in files, or in the cells of a table.

    Grey pictures become RGB if others have colours. Pictures of 8 bits, 16 bits and floats are not
    mixed.

    Args:
        count: Number of pictures.
        streams: Opens all pictures in turn; called once for headers and once for pixels.
        where: Name of a picture in errors.
    """

    def __init__(self, count: int, streams: Streams, where: Callable[[int], str]) -> None:
        self._count, self._streams, self._where = count, streams, where

    def __len__(self) -> int:
        """Number of pictures."""
        return self._count

    def where(self, row: int) -> str:
        """Name of a picture in errors."""
        return self._where(row)

    def survey(self, size: Size | None) -> PixelFormat:
        """Format of all pictures, from their headers.

        Raises:
            SchemaError: If a picture is invalid, or sizes or bits differ.
        """
        modes: dict[str, list[int]] = {}
        sizes: Counter[Size] = Counter()
        for row, stream in enumerate(self._each("check")):
            header = read_picture_header(stream, self.where(row))
            modes.setdefault(header.mode, []).append(row)
            sizes[header.size] += 1
        if not modes:
            raise SchemaError("There are no pictures.")
        mode = self._common_mode(modes)
        if size is None and len(sizes) > 1:
            raise SchemaError(_mixed_sizes(sizes, self.where(0)))
        height, width = size or next(iter(sizes))
        dtype, scale = _FORMATS.get(mode, ("float32", 1.0))
        return PixelFormat((3 if mode == "RGB" else 1, height, width), dtype, scale, mode)

    def batches(self, form: PixelFormat, size: Size | None) -> Iterator[npt.NDArray[Any]]:
        """All pictures in order, one at a time.

        Raises:
            SchemaError: If a picture is damaged.
        """
        for row, stream in enumerate(self._each("read")):
            where = self.where(row)
            pixels = decode_picture(stream, str(form.colours), size, where)
            if pixels.shape != form.shape:
                raise SchemaError(
                    f"{where} differs in size from its header: save it again, or set images.size."
                )
            yield pixels[None].astype(form.dtype, copy=False)

    def _each(self, what: str) -> Iterator[IO[bytes]]:
        bar = tqdm(total=len(self), desc=what, unit="picture", delay=_SHOW_AFTER_S, disable=None)
        with bar:
            for stream in self._streams():
                with stream:
                    yield stream
                bar.update()

    def _common_mode(self, modes: dict[str, list[int]]) -> str:
        if len(modes) == 1:
            return next(iter(modes))
        if set(modes) == {"L", "RGB"}:
            return "RGB"
        words = {"L": "8 bits, grey", "RGB": "8 bits, colour", "I;16": "16 bits", "F": "floats"}
        seen = "; ".join(
            f"{len(rows)} of {words[mode]}, as {self.where(rows[0])}"
            for mode, rows in modes.items()
        )
        raise SchemaError(f"Pictures differ in pixel type: {seen}. Convert them to one.")


def _mixed_sizes(sizes: Counter[Size], first: str) -> str:
    seen = ", ".join(f"{h} x {w} ({count} pictures)" for (h, w), count in sizes.most_common(4))
    more = f" and {len(sizes) - 4} other sizes" if len(sizes) > 4 else ""
    shorter = int(np.median([min(size) for size in sizes.elements()]))
    example = max((size for size in _USUAL if size <= shorter), default=shorter)
    return (
        f"Pictures differ in size: {seen}{more} (height x width; the first is {first}). Networks "
        "need one: set the parameter images.size, for example images.size: "
        f"{example}; the shorter side is then resized and the centre cropped."
    )
