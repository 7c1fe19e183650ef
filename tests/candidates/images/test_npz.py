from __future__ import annotations

import io
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brpnas.candidates import ImageData, ImageSource
from brpnas.candidates.images import npz as module
from brpnas.errors import BrpNasError, SchemaError, SourceError
from tests.candidates.images.pictures import noise

PIXELS = noise(30, 9, 8, 3)
LABELS = np.arange(30) % 3


def load(path: Path, **more: Any) -> ImageData:
    return ImageSource(str(path), **more).load()


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    return stream.getvalue()


def archive(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("order", ["C", "F"])
def test_images_are_read_a_few_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: Any, order: Any
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 1000)
    save(tmp_path / "x.npz", images=np.asarray(PIXELS, order=order), labels=LABELS)
    np.testing.assert_array_equal(load(tmp_path / "x.npz").pixels, PIXELS.transpose(0, 3, 1, 2))


def test_sixteen_bits(tmp_path: Path) -> None:
    wide = noise(30, 6, 5, high=60_000, dtype=np.uint16)
    np.savez(tmp_path / "x.npz", images=wide, labels=LABELS)
    data = load(tmp_path / "x.npz")
    assert (data.pixels.dtype, data.pixel_scale, data.colours) == (np.uint16, 65_535, None)
    np.testing.assert_array_equal(data.pixels[:, 0], wide)
    np.savez(tmp_path / "y.npz", images=wide % 200, labels=LABELS)
    assert load(tmp_path / "y.npz").pixel_scale == 255, "bytes that are stored wide"
    np.savez(tmp_path / "z.npz", images=wide.astype(">u2"), labels=LABELS)
    np.testing.assert_array_equal(load(tmp_path / "z.npz").pixels[:, 0], wide)


def test_arrays_are_resized_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", images=PIXELS, labels=LABELS)
    data = load(tmp_path / "x.npz", size=4)
    assert data.input_shape == (3, 4, 4)
    assert data.picture_steps["resize"]["size"] == [4, 4]


@pytest.mark.parametrize(
    ("member", "content", "message"),
    [
        ("images", lambda: npy(PIXELS)[:-9], r"images\.npy.* 6\.48 kB, .* 6\.47 kB"),
        ("images", lambda: npy(PIXELS).replace(b"(30,", b"(10**9,"), "damaged"),
        ("images", lambda: npy(np.zeros((9, 1_000), "S4000")), "36 MB decompressed"),
        ("labels", lambda: npy(np.array(["a"] * 30, "U300000")), "decompressed|too large"),
        ("labels", lambda: npy(np.array(LABELS, object)), r"labels\.npy.* Python objects"),
    ],
)
def test_sizes_are_checked_before_anything_is_allocated(
    tmp_path: Path,
    member: str,
    content: Callable[[], bytes],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_FREE", 2**24)
    members = {"images": npy(PIXELS), "labels": npy(LABELS), member: content()}
    path = archive(tmp_path / "x.npz", **members)
    del members
    tracemalloc.start()
    try:
        with pytest.raises(SchemaError, match=message) as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    assert str(path) in str(caught.value)


def test_a_wrong_checksum_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez(path, images=PIXELS, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[content.index(PIXELS[20].tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"x\.npz .*CRC"):
        load(path)


def test_a_file_cut_short_inside(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    np.savez_compressed(path, images=PIXELS, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[3000:3400] = bytes(400)
    path.write_bytes(content)
    with pytest.raises(BrpNasError, match=r"x\.npz"):
        load(path)


def test_small_and_large_files_may_grow_differently(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(1000))
    assert module.plausible_size(tmp_path / "x") == 2**28 + 64_000


def test_a_million_tiny_images_need_no_more_than_their_pixels(tmp_path: Path) -> None:
    """1 x 1 pixel each, so all are constant."""
    count = 1_000_000
    labels = np.arange(count, dtype=np.uint8) % 2
    np.savez(tmp_path / "x.npz", images=np.zeros((count, 1, 1), np.uint8), labels=labels)
    tracemalloc.start()
    try:
        with pytest.raises(SchemaError, match=r"All 1000000 images, from row 0 of .* are constant"):
            ImageSource(str(tmp_path / "x.npz")).load()
        assert tracemalloc.get_traced_memory()[1] < 60 * count
    finally:
        tracemalloc.stop()
