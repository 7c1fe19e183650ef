"""Nested lists of numbers in a column as one array."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from brpnas.errors import SchemaError

__all__ = ["nested_array", "nested_shape"]

Where = Callable[[int], str]


def nested_shape(cells: pa.Array, where: Where) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of the lists in the first rows of a column.

    Raises:
        SchemaError: If they are not nested lists of numbers of one shape.
    """
    array = _array(cells, where, 0)
    return array.shape[1:], array.dtype


def nested_array(
    cells: pa.Array, shape: tuple[int, ...], where: Where, first: int
) -> npt.NDArray[Any]:
    """Lists of some rows as an array, ``[n, *shape]``.

    Args:
        cells: The rows.
        shape: Shape of each.
        where: Name of a row in errors.
        first: Row of the first.

    Raises:
        SchemaError: If they are not nested lists of numbers of this shape.
    """
    array = _array(cells, where, first)
    if array.shape[1:] != shape:
        raise SchemaError(
            f"The image in {where(first)} has shape {array.shape[1:]}, earlier ones {shape}. "
            "Resize nested lists to one shape, or store encoded pictures and set images.size."
        )
    return array


def _array(cells: pa.Array, where: Where, first: int) -> npt.NDArray[Any]:
    values = cells.storage if isinstance(cells, pa.ExtensionArray) else cells
    shape = [len(values)]
    while pa.types.is_nested(values.type) and not pa.types.is_struct(values.type):
        lengths = pc.list_value_length(values)
        odd = np.flatnonzero(lengths.fill_null(-1).to_numpy() != lengths[0].as_py())
        if len(odd) or lengths[0].as_py() is None:
            bad = int(odd[0]) if len(odd) else 0
            raise _refused(where(first + bad // math.prod(shape[1:])))
        shape.append(lengths[0].as_py())
        values = values.flatten()
    number = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    if not (number or pa.types.is_boolean(values.type)) or len(shape) == 1:
        raise _refused(where(first))
    if values.null_count:
        missing = int(np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))[0])
        raise _refused(where(first + missing // math.prod(shape[1:])))
    array: npt.NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return array.reshape(shape)


def _refused(where: str) -> SchemaError:
    return SchemaError(
        f"The image in {where} is neither nested lists of numbers in the shape of the others nor "
        "an encoded picture. Replace it, or leave it out."
    )
