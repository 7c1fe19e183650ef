"""Encoded pictures for tests, written without brpnas."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

RNG = np.random.default_rng(0)


def noise(*shape: int, high: int = 255, dtype: Any = np.uint8) -> np.ndarray:
    return RNG.integers(0, high, shape, dtype=dtype)


def encoded(pixels: np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG by its definition, for variants that Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + content


EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n"
    b"(ran) (/tmp/brpnas-eps-ran) (w) file exch writestring {} loop\nshowpage\n"
)


def write(root: Path, files: dict[str, bytes | np.ndarray]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return root


def classes(names: str = "ab", count: int = 4, *shape: int) -> dict[str, bytes | np.ndarray]:
    """Pictures of noise, ``count`` of each class."""
    return {f"{c}/{n}.png": noise(*(shape or (8, 8))) for c in names for n in range(count)}
