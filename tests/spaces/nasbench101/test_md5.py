"""Many digests at once are those of hashlib."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from brpnas.spaces.nasbench101.md5 import digests, hexadecimal


@pytest.mark.parametrize("length", [0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 130, 253])
def test_lengths_around_the_blocks(length: int) -> None:
    messages = np.random.default_rng(length).integers(0, 256, (7, length)).astype(np.uint8)
    expected = [hashlib.md5(row.tobytes()).digest() for row in messages]
    assert [row.tobytes() for row in digests(messages)] == expected


@pytest.mark.parametrize("count", [0, 1, 8191, 8192, 8193])
def test_numbers_around_the_parts(count: int) -> None:
    messages = np.random.default_rng(0).integers(0, 256, (count, 66)).astype(np.uint8)
    found = digests(messages)
    assert found.shape == (count, 16)
    for row in {0, count // 2, count - 1} & set(range(count)):
        assert found[row].tobytes() == hashlib.md5(messages[row].tobytes()).digest()


def test_hexadecimal() -> None:
    values = np.arange(256, dtype=np.uint8).reshape(2, 8, 16)
    written = hexadecimal(values)
    assert written.shape == (2, 8, 32)
    assert written.tobytes().decode() == values.tobytes().hex()
