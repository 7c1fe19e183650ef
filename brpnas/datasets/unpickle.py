"""Reading published pickles without running what they ask for.

Some benchmarks are published as pickles, and a pickle is a program. `safe_load` runs it in an
interpreter that knows four names of numpy and nothing else, enough for dictionaries, lists,
numbers, text, and numeric arrays. `safe_loads` does so for a pickle that is part of another file.
The project writes no pickle.
"""

from __future__ import annotations

import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core import multiarray

from brpnas.errors import SourceError, UnsafePickleError

__all__ = ["safe_load", "safe_loads"]

_NUMERIC = re.compile(r"[biuf][1248]")


class _Unpickler(pickle.Unpickler):
    """An unpickler with an allow-list."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle may call, under the names of numpy 1 and numpy 2."""
        match module, name:
            case (("numpy.core.multiarray" | "numpy._core.multiarray"), "scalar"):
                return multiarray.scalar
            case (("numpy.core.multiarray" | "numpy._core.multiarray"), "_reconstruct"):
                return multiarray._reconstruct
            case "numpy", "ndarray":
                return np.ndarray
            case "numpy", "dtype":
                return _numeric_dtype()
        raise UnsafePickleError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        """Refuse references to objects outside the pickle."""
        raise UnsafePickleError(f"it asks for the outside object {pid!r}")


def _numeric_dtype() -> Any:
    """Stand-in for `numpy.dtype`, made anew each time because a pickle may set attributes of it.

    The true one would make object arrays, and types whose state the pickle then rewrites.
    """

    def dtype(code: str, align: bool = False, copy: bool = False) -> np.dtype[Any]:
        if not _NUMERIC.fullmatch(code):
            raise UnsafePickleError(f"it asks for an array of type {code!r}")
        return np.dtype(code)

    return dtype


def safe_load(path: Path) -> Any:
    """Load a pickle that holds builtin containers, numbers, text and numeric numpy arrays.

    Raises:
        SourceError: If the file is missing, truncated or corrupt.
        UnsafePickleError: If it asks for anything else, which has then not been called.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(error, str(path)) from error
    return safe_loads(data, str(path))


def safe_loads(data: bytes, origin: str) -> Any:
    """Load such a pickle from memory.

    Args:
        data: The pickle.
        origin: The file that it is, or is part of, for the message.

    Raises:
        SourceError: If it is truncated or corrupt.
        UnsafePickleError: As `safe_load`.
    """
    try:
        return _Unpickler(io.BytesIO(data)).load()
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f"The pickle {origin} is refused: {error}, which is not on the list of what a "
            "published table may hold. Do not load it by other means; get the file from its "
            "catalogued URL."
        ) from None
    except Exception as error:  # damaged pickles raise nearly anything, as the docs of pickle warn
        raise _unreadable(error, origin) from error


def _unreadable(error: Exception, origin: str) -> SourceError:
    return SourceError(
        f"The file {origin} cannot be read as a pickle ({type(error).__name__}: {error}): it is "
        "missing, truncated or corrupt. Remove it and get it again from its catalogued URL."
    )
