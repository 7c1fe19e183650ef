"""Pictures that run programs or claim excessive sizes, and arrays that are not pictures."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from tests.hostile import Folder, Hostile
from tests.hostile.arrays import described, npy, npz
from tests.hostile.zeros import GIGABYTES_3, zip_of_zeros

__all__ = ["make_pictures"]

_EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
    b"(POSTSCRIPT RUNS) print flush\nshowpage\n"
)


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">L", zlib.crc32(name + content))
    return struct.pack(">L", len(content)) + name + content + checksum


def _png(width: int, height: int, bits: int = 1) -> bytes:
    """Black, as small as it gets."""
    line = (width * bits + 7) // 8 + 1
    header = struct.pack(">LLBBBBB", width, height, bits, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(min(line * height, 2**27)), 9)
    parts = _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def _parquet(images: list[object], labels: list[object]) -> bytes:
    file = io.BytesIO()
    pd.DataFrame({"image": images, "label": labels}).to_parquet(file)
    return file.getvalue()


def make_pictures(root: Path) -> list[Hostile]:
    """Make the files."""
    folder = Folder(root, "images in Parquet", ".parquet")
    small = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(small, "PNG")
    labels: list[object] = [0, 1] * 15
    large = _png(30_000, 30_000)
    contents: dict[str, list[object]] = {
        "EPS": [_EPS] * 30,
        "one EPS among good ones": [small.getvalue()] * 29 + [_EPS],
        "900 million pixels": [large] + [small.getvalue()] * 29,
        "sizes of 2^31": [_png(2**31 - 1, 2**31 - 1)] * 30,
        "pictures cut off": [small.getvalue()[:-20]] * 30,
        "text": [b"hello"] * 30,
        "nothing": [b""] * 30,
        "SVG": [b"<svg xmlns='http://www.w3.org/2000/svg'/>"] * 30,
    }
    for name, images in contents.items():
        folder.add(name, _parquet(images, labels), "images")
    folder.add("labels that are lists", _parquet([small.getvalue()] * 30, [[0]] * 30), "images")
    folder.add("cut off", _parquet([small.getvalue()] * 30, labels)[:-50], "images")
    return folder.made + _arrays(root)


def _arrays(root: Path) -> list[Hostile]:
    folder = Folder(root, "images in NPZ", ".npz")
    labels = npy(described((4,)), bytes([0, 1, 0, 1]))
    pixels = {
        "a header for 931 TiB": npy(described((2**50,)), b"x"),
        "Python objects": npy(described((4,), "|O"), b"\x80\x04N."),
        "fields": npy(
            repr({"descr": [("a", "|u1")], "fortran_order": False, "shape": (4,)}), b"abcd"
        ),
        "NaN": npy(described((4, 8, 8), "<f4"), np.full(256, np.nan, np.float32).tobytes()),
    }
    for name, content in pixels.items():
        folder.add(name, npz({"images": content, "labels": labels}), "images")
    start = npy(described((4, 2**14, 2**14, 3), "|u1"))
    zeros = {"images.npy": (start, GIGABYTES_3), "labels.npy": (labels, 0)}
    folder.add("zeros that are 12 GB of floats", zip_of_zeros(zeros), "images")
    good = {"images": npy(described((4, 8, 8), "|u1"), bytes(range(256))), "labels": labels}
    names = npy(described((2,), "<U1"), b"\xff" * 8)
    folder.add("names in no alphabet", npz(good | {"label_names": names}), "images")
    return folder.made
