"""Calls and states of numpy in a pickle: the published ones give arrays, all others are refused."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.datasets.pickled_numpy import ArrayCall, Call, NumericType, build, call, find_call
from brpnas.errors import UnsafePickleError

F4 = NumericType(np.dtype("f4"))


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_names_of_numpy_1_and_2(module: str) -> None:
    assert find_call(module, "scalar") is Call.SCALAR
    assert find_call(module, "_reconstruct") is Call.RECONSTRUCT


@pytest.mark.parametrize("name", [("os", "system"), ("numpy", "load"), (["numpy"], "dtype")])
def test_other_names(name: tuple[object, object]) -> None:
    with pytest.raises(UnsafePickleError, match="asks for"):
        find_call(*name)


def test_a_scalar_is_read_from_its_bytes() -> None:
    value = call(Call.SCALAR, (F4, np.float32(1.5).tobytes()))
    assert isinstance(value, np.float32)
    assert value == 1.5


def test_an_array_in_the_order_of_fortran() -> None:
    array = np.arange(6, dtype="f4").reshape(2, 3)
    found = build(ArrayCall(), (1, (2, 3), F4, True, array.tobytes("F")))
    np.testing.assert_array_equal(np.asarray(found), array)


def test_truth_values_are_0_or_1() -> None:
    found = build(ArrayCall(), (1, (2,), call(Call.DTYPE, ("b1", 0, 1)), False, b"\x00\x7f"))
    assert np.asarray(found).view(np.uint8).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (Call.NDARRAY, ((1,), "O", b"A" * 8)),
        (Call.RECONSTRUCT, (Call.NDARRAY, (2**40,), b"b")),
        (Call.RECONSTRUCT, (Call.DTYPE, (0,), b"b")),
        (Call.SCALAR, (F4, bytes(5))),
        (Call.SCALAR, ("O", bytes(8))),
        (Call.DTYPE, ("O8", 0, 1)),
        (Call.DTYPE, (Call.NDARRAY,)),
        (len, ("x",)),
    ],
)
def test_other_calls(function: object, arguments: object) -> None:
    with pytest.raises(UnsafePickleError, match="asks for"):
        call(function, arguments)


@pytest.mark.parametrize("shape", [(2**62, 4), (-1, -1), (1.0,), ((1,),), (1,) * 9, (True,)])
def test_shapes_of_other_buffers(shape: tuple[object, ...]) -> None:
    with pytest.raises(UnsafePickleError, match=r"of \d+ bytes"):
        build(ArrayCall(), (1, shape, F4, False, bytes(4)))
