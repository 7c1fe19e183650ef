from __future__ import annotations

from brpnas.candidates.images.contents import PixelFormat


def test_bytes_of_an_image() -> None:
    assert PixelFormat((3, 8, 9), "uint8", 255.0, "RGB").nbytes == 216
    assert PixelFormat((1, 8, 9), "float32", 1.0, None).nbytes == 288
