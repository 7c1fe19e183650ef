from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brpnas.candidates.images.labels import encode_labels
from brpnas.errors import SchemaError


def encode(values: Any, names: tuple[str, ...] | None = None) -> tuple[list[int], tuple[str, ...]]:
    labels, classes = encode_labels(np.asarray(values), names, "x.npz", "row {}".format)
    assert labels.dtype == np.int64
    return labels.tolist(), classes


def objects(*values: Any) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["b", "a", "b"], ("a", "b")),
        ([b"b", b"a", b"b"], ("a", "b")),
        ([7, -1, 7], ("-1", "7")),
        ([True, False, True], ("False", "True")),
        (objects("b", "a", "b"), ("a", "b")),
        (objects(b"b", b"a", b"b"), ("a", "b")),
        (objects("ö", "a", "ö"), ("a", "ö")),
    ],
)
def test_words_numbers_and_bytes(values: Any, classes: tuple[str, ...]) -> None:
    assert encode(values) == ([1, 0, 1], classes)


def test_positions_keep_classes_without_images() -> None:
    assert encode([2, 0], ("a", "b", "c")) == ([2, 0], ("a", "b", "c"))


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        ([0.0, 1.0], None, r"not float64\. .* labels\.astype\(int\)"),
        (objects("a", None), None, r"row 1 .*\blabel\."),
        (objects("a", float("nan")), None, r"row 1 .*\blabel\."),
        (objects("a", ["a", "b"]), None, r"row 1 .* list, .*numpy\.argmax"),
        (objects("a", b"\xff"), None, "row 1 .* UTF-8"),
        ([[0, 1], [1, 0], [0, 1]], None, r"shape \(3, 2\).* labels\.argmax\(1\)"),
        ([[0, 1, 1], [1, 0, 0]], None, r"shape \(2, 3\).* labels\.argmax\(0\)"),
        (3, None, r"shape \(\)"),
        (["a", "b"], ("a", "b"), "0 to 1, .* 'a'"),
        ([0, 2], ("a", "b"), "0 to 1; 1 .* 2 .* row 1"),
        ([0, -1], ("a", "b"), "0 to 1; 1 .* -1 .* row 1"),
        ([5, 5], None, "all 5"),
    ],
)
def test_what_is_refused(values: Any, names: tuple[str, ...] | None, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        encode(values, names)
