"""Reading published pickles without running them.

Some benchmarks are published as pickles, and a pickle is a program. `safe_load` interprets the few
operations of tables and builds dictionaries, lists, numbers, text and numeric arrays; `safe_loads`
does so for a pickle inside another file. The project writes no pickle.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brpnas.datasets.pickle_machine import MAX_BYTES, read_pickle
from brpnas.errors import SourceError, UnsafePickleError

__all__ = ["safe_load", "safe_loads"]


def safe_load(path: Path) -> Any:
    """Load a pickle of builtin containers, numbers, text and numeric numpy arrays.

    Raises:
        SourceError: If the file is missing, truncated or corrupt.
        UnsafePickleError: If it contains anything else.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(error, str(path)) from error
    return safe_loads(data, str(path))


def safe_loads(data: bytes, origin: str) -> Any:
    """Load such a pickle from memory.

    Args:
        data: The pickle.
        origin: Its file, for errors.

    Raises:
        SourceError: If it is truncated or corrupt.
        UnsafePickleError: As `safe_load`.
    """
    try:
        return read_pickle(data)
    except UnsafePickleError as error:
        raise UnsafePickleError(
            f"The pickle {origin} is refused: {error}, unlike any published table. Do not load it "
            "by other means; get the file from its catalogued URL."
        ) from None
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise _unreadable(error, origin) from error


def _unreadable(error: Exception, origin: str) -> SourceError:
    return SourceError(
        f"The file {origin} cannot be read as a pickle ({type(error).__name__}: {error}): it is "
        "missing, truncated or corrupt. Remove it and get it again from its catalogued URL."
    )
