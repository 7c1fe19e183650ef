from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

import numpy as np
import pytest

from brpnas.candidates.images.contents import PixelFormat
from brpnas.candidates.images.pictures import EncodedPictures
from brpnas.errors import SchemaError
from tests.candidates.images.pictures import encoded, noise

GREY, COLOUR = noise(6, 9), noise(6, 9, 3)
DEEP = noise(6, 9, high=65_535, dtype=np.uint16)


def several(*pixels: np.ndarray) -> EncodedPictures:
    contents = [encoded(each, "TIFF" if each.dtype == np.float32 else "PNG") for each in pixels]

    def streams() -> Iterator[IO[bytes]]:
        return (io.BytesIO(content) for content in contents)

    return EncodedPictures(len(pixels), streams, "row {}".format)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ((GREY, GREY), PixelFormat((1, 6, 9), "uint8", 255.0, "L")),
        ((GREY, COLOUR), PixelFormat((3, 6, 9), "uint8", 255.0, "RGB")),
        ((DEEP, DEEP), PixelFormat((1, 6, 9), "uint16", 65_535.0, "I;16")),
        ((DEEP.astype(np.float32),), PixelFormat((1, 6, 9), "float32", 1.0, "F")),
    ],
)
def test_the_format_of_all(pixels: tuple[np.ndarray, ...], expected: PixelFormat) -> None:
    pictures = several(*pixels)
    assert pictures.survey(None) == expected
    batches = list(pictures.batches(expected, None))
    assert len(batches) == len(pictures)
    for batch in batches:
        assert (batch.shape, batch.dtype) == ((1, *expected.shape), expected.dtype)


@pytest.mark.parametrize("other", [DEEP, DEEP.astype(np.float32)])
def test_types_of_pixels_are_not_mixed(other: np.ndarray) -> None:
    with pytest.raises(SchemaError, match=r"2 of 8 bits, grey, as row 0; 1 of .*, as row 1\. Conv"):
        several(GREY, other, GREY).survey(None)


def test_sizes_are_counted() -> None:
    pictures = several(GREY, *(noise(6, n) for n in (3, 3, 4, 5, 7, 8)))
    message = r"6 x 3 \(2 pictures\), .* 2 other sizes \(.*row 0\).*images\.size: 5"
    with pytest.raises(SchemaError, match=message):
        pictures.survey(None)
    assert pictures.survey((4, 5)).shape == (1, 4, 5)
    assert all(b.shape == (1, 1, 4, 5) for b in pictures.batches(pictures.survey((4, 5)), (4, 5)))


def test_none_at_all() -> None:
    with pytest.raises(SchemaError, match="no pictures"):
        several().survey(None)
