from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from brpnas.candidates import ImageData
from brpnas.candidates.images import data as module


def data_of(pixels: np.ndarray, scale: float = 1.0) -> ImageData:
    rows = np.arange(len(pixels))
    parts = {"train": rows[::2], "valid": rows[1::4], "test": rows[3::4]}
    return ImageData("x", pixels, rows % 2, parts, ("a", "b"), scale)


RNG = np.random.default_rng(0)
CASES: dict[str, tuple[np.ndarray, float]] = {
    "bytes": (RNG.integers(0, 255, (40, 3, 5, 4), np.uint8), 255.0),
    "wide": (RNG.integers(0, 65_000, (40, 1, 5, 4), np.uint16), 65_535.0),
    "floats": (RNG.normal(size=(40, 3, 5, 4)).astype(np.float32), 1.0),
}


@pytest.mark.parametrize("case", CASES)
def test_all_at_once_and_in_parts_are_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, scale = CASES[case]
    monkeypatch.setattr(module, "_CHUNK", 2000)
    some = data_of(pixels, scale)
    scaled = pixels.astype(np.float32) / np.float32(scale)
    np.testing.assert_array_equal(some.images, scaled)
    train = scaled[::2].astype(np.float64)
    mean, std = some.normalisation
    np.testing.assert_allclose(mean, train.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(std, train.std(axis=(0, 2, 3)), rtol=1e-6)
    by_hand = hashlib.sha256()
    arrays: list[np.ndarray[Any, Any]] = [scaled, some.labels, *some.parts.values()]
    for array in arrays:
        by_hand.update(str(array.shape).encode() + array.tobytes())
    by_hand.update(b"a\0b")
    assert some.digest == by_hand.hexdigest()[:16]
