"""Saving that appears at once or not at all.

`atomically` is the primitive, `Atomic` puts it under any dataset class that keeps its target in one
attribute, `FileDataset` is the base of the project's own dataset classes.
"""

from __future__ import annotations

import contextlib
import copy
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset

from pipelines.datasets.swap import clear_away, fresh_path, remove, replace

__all__ = ["Atomic", "FileDataset", "atomically"]

T = TypeVar("T")


@contextlib.contextmanager
def atomically(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write a file or folder to; then it becomes ``target``.

    The suffix of the name stays, for writers that look at it. The content is on the disk before it
    takes the place of the old one, in one step. If the body raises, what it wrote is removed and
    ``target`` is untouched; what a killed process left is removed by the next one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    clear_away(target)
    fresh = fresh_path(target)
    try:
        yield fresh
        replace(fresh, target)
    finally:
        remove(fresh)


class Atomic:
    """Mixin that makes ``save`` of the dataset class after it atomic.

    The class keeps its target in the attribute named by ``_target``; saving works on a shallow copy
    of the dataset that points at the temporary path.
    """

    _target = "_filepath"

    def save(self, data: Any) -> None:
        """Save ``data`` beside the target, then move it there."""
        target = getattr(self, self._target)
        with atomically(Path(target)) as fresh:
            twin = copy.copy(self)
            setattr(twin, self._target, type(target)(fresh))
            super(Atomic, twin).save(data)  # type: ignore[misc]


class FileDataset(AbstractDataset[T, T]):
    """Base of datasets that are one file or folder: override `read` and `write`.

    Args:
        filepath: File or folder of the dataset.
        metadata: What hooks want to know about it; Kedro ignores it.
    """

    def __init__(self, filepath: str | Path, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    @abstractmethod
    def read(self, path: Path) -> T:
        """Read the data from ``path``."""

    @abstractmethod
    def write(self, data: T, path: Path) -> None:
        """Write the data to ``path``, which does not exist yet."""

    def load(self) -> T:
        """Read the dataset."""
        return self.read(self._filepath)

    def save(self, data: T) -> None:
        """Write the dataset at once or not at all."""
        with atomically(self._filepath) as fresh:
            self.write(data, fresh)

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
