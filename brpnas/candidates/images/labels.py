"""Labels of a source as positions in a list of class names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.candidates.images.data import IntArray
from brpnas.errors import SchemaError

__all__ = ["encode_labels"]

Where = Callable[[int], str]


def encode_labels(
    values: npt.NDArray[Any], names: tuple[str, ...] | None, path: str, where: Where
) -> tuple[IntArray, tuple[str, ...]]:
    """Turn labels into positions, shape ``[N]``, and class names.

    Args:
        values: An integer or string per image.
        names: Names of the classes, if the labels are positions.
        path: The source, for errors.
        where: Name of an image in errors.

    Raises:
        SchemaError: If a label is missing or invalid, or all labels are equal.
    """
    if values.ndim != 1:
        raise SchemaError(_several_numbers(values, path))
    if values.dtype.kind == "S":  # decode each name once
        texts, rows, positions = np.unique(values, return_index=True, return_inverse=True)
        named = zip(texts.tolist(), rows.tolist(), strict=True)
        values = np.array([_text(value, row, where) for value, row in named], np.str_)[positions]
    elif values.dtype.kind == "O":
        values = np.array([_text(value, row, where) for row, value in enumerate(values)])
    if values.dtype.kind not in "biuU":
        raise SchemaError(
            f"The labels of {path} must be one integer or string for each image, not "
            f"{values.dtype}. Numbers of classes become integers by labels.astype(int)."
        )
    found, positions = np.unique(values, return_inverse=True)
    if len(found) < 2:
        raise SchemaError(
            f"The labels of {path} are all {found[0] if len(found) else 'missing'}: images of two "
            "classes or more are needed."
        )
    if names is None:
        return positions.astype(np.int64), tuple(str(value) for value in found)
    if values.dtype.kind not in "iu":
        raise SchemaError(
            f"{path} names {len(names)} labels, so its labels must be integers from 0 to "
            f"{len(names) - 1}, not strings like {str(found[0])!r}."
        )
    outside = np.flatnonzero((values < 0) | (values >= len(names)))
    if len(outside):
        raise SchemaError(
            f"{path} names {len(names)} labels, so its labels must be integers from 0 to "
            f"{len(names) - 1}; {len(outside)} are not, the first {values[outside[0]]} of the "
            f"image in {where(int(outside[0]))}. Leave out images without a label."
        )
    return values.astype(np.int64), names


def _text(value: Any, row: int, where: Where) -> str:
    """A label of an object or bytes array as text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise SchemaError(
                f"The label of the image in {where(row)} is bytes that are not UTF-8 text. Store "
                "labels as strings or integers."
            ) from error
    if isinstance(value, list | tuple | dict | np.ndarray):
        raise SchemaError(
            f"The label of the image in {where(row)} is a {type(value).__name__}, not one integer "
            "or string. For one-hot labels store the position of the 1, by numpy.argmax; an image "
            "with several labels cannot be used."
        )
    if value is None or pd.isna(value):
        raise SchemaError(f"The image in {where(row)} has no label. Give it one, or leave it out.")
    return str(value)


def _several_numbers(values: npt.NDArray[Any], path: str) -> str:
    axis = 1 if values.ndim == 2 and values.shape[0] >= values.shape[1] else 0
    return (
        f"The labels of {path} have shape {values.shape}, not one integer or string for each "
        f"image. If they are one-hot, store labels.argmax({axis}) instead"
        + (", or labels.ravel()." if values.ndim == 2 and 1 in values.shape else ".")
    )
