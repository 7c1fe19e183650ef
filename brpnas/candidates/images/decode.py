"""Decoding of pictures by Pillow, restricted in formats and number of pixels.

Pillow opens some 40 formats, and runs Ghostscript for EPS. Only `FORMATS` are tried here,
independent of the file's name. Sizes are read from the header before any pixel.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from brpnas.candidates.images.contents import Size
from brpnas.errors import SchemaError, SourceError

__all__ = ["FORMATS", "MAX_PIXELS", "PictureHeader", "decode_picture", "fit", "read_picture_header"]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
"""Accepted formats of Pillow."""
MAX_PIXELS = 50_000_000
"""Most pixels of a picture; decoding takes up to 8 bytes each."""
_MODES = {
    **dict.fromkeys(("1", "L"), "L"),
    **dict.fromkeys(("I;16", "I;16L", "I;16B", "I;16N", "I"), "I;16"),
    "F": "F",
    **dict.fromkeys(("RGB", "P", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV"), "RGB"),
    **dict.fromkeys(("LA", "La"), "L"),
    **dict.fromkeys(("PA", "RGBa"), "RGB"),
}
"""Target mode by mode of the picture; transparency is dropped."""
_SIDEWAYS = (5, 6, 7, 8)
_ORIENTATION = 0x0112
Opened = Callable[[], IO[bytes]]


@dataclass(frozen=True)
class PictureHeader:
    """Facts from the header of a picture.

    Attributes:
        mode: Mode of its pixels: ``L``, ``RGB``, ``I;16`` or ``F``.
        size: Height and width after rotation by EXIF.
    """

    mode: str
    size: Size


def read_picture_header(stream: IO[bytes], where: str) -> PictureHeader:
    """Read the header of a picture without decoding pixels.

    Args:
        stream: The encoded picture.
        where: Its name in errors.

    Raises:
        SourceError: If Pillow is not installed.
        SchemaError: If it is not a picture of an accepted format, has too many pixels or frames, or
            would lose bits.
    """
    with _opened(stream, where) as picture:
        width, height = picture.size
        # For a PNG without EXIF before its pixels, Pillow would decode all pixels to look behind.
        has_exif = picture.format != "PNG" or "exif" in picture.info
        if has_exif and picture.getexif().get(_ORIENTATION) in _SIDEWAYS:
            width, height = height, width
        return PictureHeader(_MODES[picture.mode], (height, width))


def decode_picture(
    stream: IO[bytes], mode: str, size: Size | None, where: str
) -> npt.NDArray[np.generic]:
    """Pixels of a picture, ``[C, H, W]``: rotated by EXIF, converted, resized and cropped.

    Args:
        stream: The encoded picture.
        mode: ``L``, ``RGB``, ``I;16`` or ``F``.
        size: Height and width; None for the original size.
        where: Its name in errors.

    Raises:
        SchemaError: As `read_picture_header`, or for a damaged picture.
    """
    from PIL import ImageOps  # noqa: PLC0415

    with _opened(stream, where) as picture:
        turned = ImageOps.exif_transpose(picture)
        if turned.mode == "I" and mode == "I;16":
            turned = _sixteen_bits(turned, where)
        elif turned.mode != mode and not turned.mode.startswith("I;16"):
            turned = turned.convert(mode)
        pixels = np.asarray(turned if size is None else _fitted(turned, size))
        if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
            pixels = pixels.astype(np.uint16)  # native byte order
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def fit(pixels: npt.NDArray[Any], size: Size) -> npt.NDArray[Any]:
    """Resize and crop arrays ``[n, C, H, W]`` like pictures, each channel separately."""
    from PIL import Image  # noqa: PLC0415

    count, channels, *shape = pixels.shape
    if tuple(shape) == size:
        return pixels
    planes = [np.asarray(_fitted(Image.fromarray(p), size)) for p in pixels.reshape(-1, *shape)]
    return np.stack(planes).astype(pixels.dtype).reshape(count, channels, *size)


@contextmanager
def _opened(stream: IO[bytes], where: str) -> Iterator[Any]:
    """A picture with a sound header; any error of Pillow becomes a SchemaError."""
    try:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise SourceError(f"{where} is an encoded picture: pip install pillow.") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about many pixels, refused by _check
            with Image.open(stream, formats=FORMATS) as picture:
                _check(picture, where)
                yield picture
    except (SchemaError, SourceError):
        raise
    except UnidentifiedImageError as error:
        raise SchemaError(
            f"{where} is not a picture in one of the formats {', '.join(FORMATS)}. Convert it to "
            "PNG, or leave it out."
        ) from error
    except Image.DecompressionBombError as error:
        raise SchemaError(_too_large(where, "")) from error
    except MemoryError as error:
        raise SchemaError(f"{where} does not fit into memory.") from error
    except Exception as error:  # decoders raise anything for damaged bytes
        raise SchemaError(
            f"{where} is a damaged picture ({type(error).__name__}: {error}). Replace it, or leave "
            "it out."
        ) from error


def _check(picture: Any, where: str) -> None:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise SchemaError(_too_large(where, f"{width} x {height} = {width * height:,} pixels, "))
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        raise SchemaError(
            f"{where} is an animation or has several pages. Save one frame of it as PNG."
        )
    if picture.mode not in _MODES:
        raise SchemaError(f"{where} has the pixel type {picture.mode!r}: convert it to RGB.")
    if _MODES[picture.mode] in ("L", "RGB") and _loses_bits(picture):
        raise SchemaError(
            f"{where} has 16 bits per channel in colour, and Pillow reads 8. Convert it to 8 bits, "
            "or store all pixels as uint16 in an NPZ file."
        )


def _too_large(where: str, counted: str) -> str:
    return (
        f"{where} has {counted}more than the {MAX_PIXELS:,} pixels that a picture may have. Scale "
        "it down, or leave it out."
    )


def _loses_bits(picture: Any) -> bool:
    """Whether the decoder would cut 16 bits to 8, by its arguments."""
    for tile in picture.tile:
        args = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        if any(isinstance(arg, str) and ";16" in arg for arg in args):
            return True
        if tile[0] in ("ppm", "ppm_plain") and isinstance(args[-1], int) and args[-1] > 255:
            return True
    return False


def _sixteen_bits(picture: Any, where: str) -> Any:
    """A picture of 32-bit integers as 16 bits, if its pixels fit."""
    from PIL import Image  # noqa: PLC0415

    pixels = np.asarray(picture)
    if pixels.min() < 0 or pixels.max() > 65_535:
        raise SchemaError(
            f"{where} has pixels from {pixels.min()} to {pixels.max()}, outside of the 0..65535 of "
            "16 bits. Scale them, or store them as floats in an NPZ file."
        )
    return Image.fromarray(pixels.astype(np.uint16))


def _fitted(picture: Any, size: Size) -> Any:
    from PIL import Image, ImageOps  # noqa: PLC0415

    return ImageOps.fit(picture, (size[1], size[0]), Image.Resampling.BILINEAR)
