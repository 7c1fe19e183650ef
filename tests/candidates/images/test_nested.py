from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from brpnas.candidates.images.nested import nested_array, nested_shape
from brpnas.errors import SchemaError

WHERE = "row {}".format


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 4, 5, 3)])
def test_lists_are_arrays(dtype: Any, shape: tuple[int, ...]) -> None:
    expected = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    kind: pa.DataType = pa.from_numpy_dtype(dtype)
    for _ in shape[1:]:
        kind = pa.list_(kind)
    cells = pa.array(expected.tolist(), kind)
    assert nested_shape(cells, WHERE) == (shape[1:], expected.dtype)
    got = nested_array(cells, shape[1:], WHERE, 0)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(nested_array(cells[1:], shape[1:], WHERE, 1), expected[1:])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([[[1, 2]], [[1, 2], [3, 4]]], "row 11 "),
        ([[[1, 2]], [[1]]], "row 11 is neither"),
        ([[[1, 2]], None], "row 11 is neither"),
        ([[[1, 2]], [None]], "row 11 is neither"),
        ([[[1, 2]], [[1, None]]], "row 11 is neither"),
        ([None, [[1, 2]]], "row 10 is neither"),
        ([[["a", "b"]]], "row 10 is neither"),
        ([1, 2], "row 10 is neither"),
        ([[[1, 2, 3]]], r"row 10 has shape \(1, 3\).* \(1, 2\)"),
    ],
)
def test_what_is_not_of_one_shape_is_named(cells: list[Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        nested_array(pa.array(cells), (1, 2), WHERE, 10)
