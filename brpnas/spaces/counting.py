"""The number of architectures of a space, however large."""

from __future__ import annotations

from brpnas.spaces.base import SearchSpace

__all__ = ["size_of"]


def size_of(space: SearchSpace) -> int:
    """Number of architectures of a space.

    `len` is limited to `sys.maxsize`, about 9.2e18; the space `fbnet` has a hundred times more.
    """
    return space.__len__()
