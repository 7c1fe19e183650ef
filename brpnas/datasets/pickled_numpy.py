"""Numpy arrays and scalars of a pickle, rebuilt from plain data.

A pickle describes an array by a call and a state. `Call` lists the calls of published tables;
`call` and `build` evaluate them with checked values: a listed numeric type, a shape, and a buffer
of the exact size. Nothing named in the pickle is ever called.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.errors import UnsafePickleError

__all__ = ["ArrayCall", "Call", "NumericType", "build", "call", "find_call"]

_TYPES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
_MAX_DIMENSIONS = 8


class Call(enum.Enum):
    """Calls in published tables."""

    SCALAR = "scalar"
    RECONSTRUCT = "_reconstruct"
    NDARRAY = "ndarray"
    DTYPE = "dtype"


@dataclass(eq=False)
class NumericType:
    """A numeric type; its state, the byte order, may follow later in the pickle.

    Attributes:
        dtype: Its numpy type.
    """

    dtype: np.dtype[Any]


@dataclass(eq=False)
class ArrayCall:
    """An array without its state yet."""


_KNOWN = {
    ("numpy.core.multiarray", "scalar"): Call.SCALAR,
    ("numpy._core.multiarray", "scalar"): Call.SCALAR,
    ("numpy.core.multiarray", "_reconstruct"): Call.RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): Call.RECONSTRUCT,
    ("numpy", "ndarray"): Call.NDARRAY,
    ("numpy", "dtype"): Call.DTYPE,
}


def find_call(module: object, name: object) -> Call:
    """The call by its name in numpy 1 or numpy 2.

    Raises:
        UnsafePickleError: If published tables do not use it.
    """
    known = _KNOWN.get((module, name)) if type(module) is type(name) is str else None
    if known is None:
        raise UnsafePickleError(f"it asks for {module!s:.80}.{name!s:.80}")
    return known


def call(function: object, arguments: object) -> object:
    """Value of a `Call` with a tuple of arguments.

    Raises:
        UnsafePickleError: If call or arguments differ from published ones.
    """
    match function, arguments:
        case Call.DTYPE, (str(code), int(), int()) | (str(code),):
            if code not in _TYPES:
                raise UnsafePickleError(f"it asks for an array of type {code[:80]!r}")
            return NumericType(np.dtype(code))
        case Call.RECONSTRUCT, (Call.NDARRAY, (0,), b"b"):
            return ArrayCall()
        case Call.SCALAR, (NumericType(dtype), bytes(content)):
            return _numbers(dtype, content, ())[()]
    raise UnsafePickleError(f"it asks for a call of {_named(function)} with other arguments")


def build(target: object, state: object) -> object:
    """Value of an object with its state.

    Raises:
        UnsafePickleError: If it is not a numeric type or array, or the state has another form.
    """
    match target, state:
        case NumericType(dtype), (3, str(order), None, None, None, -1, -1, 0):
            if order in ("<", ">", "|", "="):
                target.dtype = dtype.newbyteorder(order)  # type: ignore[arg-type]
                return target
        case ArrayCall(), (1, tuple(shape), NumericType(dtype), int(is_fortran), bytes(content)):
            return _numbers(dtype, content, shape, "F" if is_fortran else "C")
    raise UnsafePickleError(f"it asks for another state of {_named(target)}")


def _numbers(
    dtype: np.dtype[Any], content: bytes, shape: tuple[Any, ...], order: str = "C"
) -> npt.NDArray[Any]:
    """A new array with this content."""
    sizes = all(type(size) is int and size >= 0 for size in shape)
    if not sizes or len(shape) > _MAX_DIMENSIONS or shape_bytes(dtype, shape) != len(content):
        raise UnsafePickleError(f"it asks for an array of {len(content)} bytes against its shape")
    if dtype.kind == "b":
        return np.frombuffer(content, np.uint8).astype(bool).reshape(shape, order=order)  # type: ignore[call-overload,no-any-return]
    return np.frombuffer(content, dtype).copy().reshape(shape, order=order)  # type: ignore[call-overload,no-any-return]


def shape_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Bytes of an array, in Python's integers without overflow."""
    return math.prod(shape) * dtype.itemsize


def _named(value: object) -> str:
    return value.value if isinstance(value, Call) else type(value).__name__
