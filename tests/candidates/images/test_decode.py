from __future__ import annotations

import io
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile, ImageOps

from brpnas.candidates.images import decode
from brpnas.candidates.images.decode import decode_picture, fit, read_picture_header
from brpnas.errors import SchemaError
from tests.candidates.images.pictures import EPS, encoded, noise, png

GREY = noise(6, 9)
COLOUR = noise(6, 9, 3)
DEEP = noise(6, 9, high=65_535, dtype=np.uint16)


def read(content: bytes, size: tuple[int, int] | None = None) -> tuple[str, np.ndarray]:
    header = read_picture_header(io.BytesIO(content), "x.png")
    pixels = decode_picture(io.BytesIO(content), header.mode, size, "x.png")
    assert size is not None or pixels.shape[1:] == header.size
    return header.mode, pixels


def as_mode(mode: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(COLOUR).convert(mode).save(stream, "TIFF" if mode == "CMYK" else "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", "PPM", "WEBP", "JPEG"])
def test_listed_formats_are_read(kind: str) -> None:
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    mode, pixels = read(encoded(COLOUR, kind, **options))
    assert (mode, pixels.shape, pixels.dtype) == ("RGB", (3, 6, 9), np.uint8)
    if kind not in ("JPEG", "GIF"):
        np.testing.assert_array_equal(pixels, COLOUR.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_stay_sixteen(kind: str) -> None:
    mode, pixels = read(encoded(DEEP, kind))
    assert (mode, pixels.dtype) == ("I;16", np.uint16)
    np.testing.assert_array_equal(pixels[0], DEEP)


def test_floats_stay_floats() -> None:
    mode, pixels = read(encoded(DEEP.astype(np.float32) / 7, "TIFF"))
    assert (mode, pixels.dtype) == ("F", np.float32)
    np.testing.assert_array_equal(pixels[0], DEEP.astype(np.float32) / 7)


def test_32_bit_integers_are_read_as_far_as_they_fit() -> None:
    _, pixels = read(encoded(DEEP.astype(np.int32), "TIFF"))
    np.testing.assert_array_equal(pixels[0], DEEP)
    with pytest.raises(SchemaError, match=r"x\.png .* \d+ to \d{6}, .*0\.\.65535"):
        read(encoded(DEEP.astype(np.int32) * 9, "TIFF"))


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (4, 2), (6, 4)])
def test_colours_of_sixteen_bits_are_refused_not_cut(colour_type: int, channels: int) -> None:
    rows = b"".join(b"\0" + bytes(range(4 * 2 * channels)) for _ in range(4))
    with pytest.raises(SchemaError, match=r"x\.png .*16 bits"):
        read(png(4, 4, 16, colour_type, rows))
    assert read(png(4, 4, 8, colour_type, b"\0" * 4 * (1 + 4 * channels)))[1].shape[1:] == (4, 4)


@pytest.mark.parametrize(
    "content", [b"P6\n2 2\n65535\n" + bytes(24), b"P3\n1 1\n4095\n1 300 4095\n"]
)
def test_colours_of_sixteen_bits_in_ppm_too(content: bytes) -> None:
    with pytest.raises(SchemaError, match="16 bits"):
        read(content)


def test_ppm_as_text() -> None:
    mode, pixels = read(b"P3\n1 1\n255\n1 200 255\n")
    assert (mode, pixels.ravel().tolist()) == ("RGB", [1, 200, 255])
    mode, pixels = read(b"P2\n2 1\n65535\n1 40000\n")
    assert (mode, pixels.dtype, pixels.ravel().tolist()) == ("I;16", np.uint16, [1, 40_000])


@pytest.mark.parametrize(
    ("mode", "read_as"),
    [("1", "L"), ("L", "L"), ("LA", "L"), ("P", "RGB"), ("RGBA", "RGB"), ("CMYK", "RGB")],
)
def test_modes_by_the_stated_rule(mode: str, read_as: str) -> None:
    content = as_mode(mode)
    got, pixels = read(content)
    assert got == read_as
    expected = np.asarray(Image.open(io.BytesIO(content)).convert(read_as))
    np.testing.assert_array_equal(pixels, np.atleast_3d(expected).transpose(2, 0, 1))


def test_pictures_are_turned_as_exif_says() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    _, pixels = read(encoded(COLOUR, exif=exif))
    np.testing.assert_array_equal(pixels, np.rot90(COLOUR, -1).transpose(2, 0, 1))


def test_the_centre_is_kept_when_resized() -> None:
    """Against Pillow, and against the rule: the shorter side fits, the longer is cut alike."""
    content = encoded(noise(20, 50, 3))
    _, pixels = read(content, (10, 10))
    by_hand = Image.open(io.BytesIO(content)).resize(
        (10, 10), Image.Resampling.BILINEAR, box=(15, 0, 35, 20)
    )
    np.testing.assert_array_equal(pixels, np.asarray(by_hand).transpose(2, 0, 1))


def test_arrays_are_resized_as_pictures_are() -> None:
    pixels = noise(2, 3, 20, 15)
    whole = fit(pixels, (8, 9))
    for image, got in zip(pixels, whole, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
        fitted = ImageOps.fit(picture, (9, 8), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(got, np.asarray(fitted).transpose(2, 0, 1))
    assert fit(pixels[:, :1].astype(np.uint16) * 200, (8, 9)).dtype == np.uint16
    assert fit(pixels, (20, 15)) is pixels


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_animations_are_refused(kind: str) -> None:
    stream = io.BytesIO()
    first, second = (Image.fromarray(noise(6, 9, 3)) for _ in "12")
    first.save(stream, kind, save_all=True, append_images=[second])
    with pytest.raises(SchemaError, match=r"x\.png .*animation"):
        read(stream.getvalue())


def test_photos_of_two_pictures_are_their_first() -> None:
    stream = io.BytesIO()
    first, second = (Image.fromarray(noise(16, 16, 3)) for _ in "12")
    first.save(stream, "MPO", save_all=True, append_images=[second])
    mode, pixels = read(stream.getvalue())
    assert mode == "RGB"
    assert abs(pixels.transpose(1, 2, 0).astype(int) - np.asarray(first)).mean() < 60


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"x\.png .*PNG, JPEG"),
        (b"text", r"x\.png .*PNG, JPEG"),
        (EPS, r"x\.png .*PNG, JPEG"),
        (encoded(noise(6, 9, 3), "ICO"), r"x\.png .*PNG, JPEG"),
        (encoded(noise(60, 90))[:400], "damaged picture"),
        (encoded(noise(60, 90, 3), "JPEG")[:900], "damaged picture"),
    ],
)
def test_what_is_no_picture(content: bytes, message: str) -> None:
    with pytest.raises(SchemaError, match=message) as caught:
        read(content)
    assert str(caught.value).startswith("x.png")


def test_postscript_never_reaches_ghostscript(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*args: object, **more: object) -> None:
        pytest.fail("a program was started")

    for name in ("Popen", "check_call", "run", "call"):
        monkeypatch.setattr(subprocess, name, start)
    with pytest.raises(SchemaError, match=r"x\.png .*PNG, JPEG"):
        read(EPS)


@pytest.mark.parametrize("side", [9_000, 30_000])
def test_pixels_are_counted_before_they_are_decoded(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*args: object) -> None:
        pytest.fail("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(SchemaError, match=r"x\.png .*50,000,000 pixels"):
        read(png(side, side, 8, 0, b""))


def test_headers_alone_are_read_for_the_size(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*args: object) -> None:
        pytest.fail("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    for kind in ("PNG", "JPEG", "TIFF", "BMP", "GIF", "PPM"):
        assert read_picture_header(io.BytesIO(encoded(COLOUR, kind)), "x").size == (6, 9)


def test_limit_is_of_pixels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(decode, "MAX_PIXELS", 54)
    assert read(encoded(GREY))[0] == "L"
    monkeypatch.setattr(decode, "MAX_PIXELS", 53)
    with pytest.raises(SchemaError, match="9 x 6 = 54 pixels"):
        read(encoded(GREY))
