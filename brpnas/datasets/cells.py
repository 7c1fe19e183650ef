"""Vectorised conversion of NAS-Bench-201 operation codes to ``arch_id``, for published files."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from brpnas.errors import SourceError
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, NasBench201

__all__ = ["arch_ids", "cell_numbers"]


@cache
def _names() -> npt.NDArray[np.object_]:
    return np.array(NasBench201().enumerate(), dtype=object)


def cell_numbers(codes: npt.ArrayLike, origin: str) -> npt.NDArray[np.int64]:
    """Position of cells in ``NasBench201().enumerate()``.

    Args:
        codes: Operation codes, shape ``[N, 6]``.
        origin: Source of the codes, for errors.

    Raises:
        SourceError: If codes are not six integers from 0 to 4, or a cell is duplicated.
    """
    try:
        table = np.array(codes)
        given = f"{table.dtype} of shape {table.shape}"
    except ValueError:
        table, given = np.empty(0), "lists of different lengths"
    width, base = len(EDGES), len(OPERATIONS)
    if table.ndim != 2 or table.shape[1] != width or table.dtype.kind not in "iu":
        raise SourceError(
            f"{origin} must give {width} integer operation codes per cell, not {given}."
        )
    wrong = np.flatnonzero(((table < 0) | (table >= base)).any(axis=1))
    if len(wrong):
        raise SourceError(
            f"{origin} contains an unknown cell: entry {wrong[0]} has the operation codes "
            f"{tuple(table[wrong[0]].tolist())}; codes go from 0 to {base - 1}."
        )
    numbers: npt.NDArray[np.int64] = table.astype(np.int64) @ base ** np.arange(width)[::-1]
    if len(np.unique(numbers)) < len(numbers):
        raise SourceError(f"{origin} names a cell twice.")
    return numbers


def arch_ids(numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.object_]:
    """Strings of cells by their position in ``NasBench201().enumerate()``, shape ``[N]``."""
    strings: npt.NDArray[np.object_] = _names()[numbers]
    return strings
