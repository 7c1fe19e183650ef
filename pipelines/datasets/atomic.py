"""Atomic saves.

`atomically` is the primitive, `Atomic` adds it to any dataset class with its target in one
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
    """Yield a path beside ``target`` for a file or folder; after the block it becomes ``target``.

    The path keeps the suffix, because some writers read it. The content is flushed to the disk,
    then replaces the old one in one step. If the body raises, its files are removed and ``target``
    is unchanged; the next process removes the files of a killed one.
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
    """Mixin: ``save`` of the next class in the order of resolution becomes atomic.

    The class keeps its target in the attribute named by ``_target``; saving works on a shallow copy
    of the dataset with the temporary path.
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
    """Base of datasets of one file or folder: override `read` and `write`.

    Args:
        filepath: File or folder of the dataset.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(self, filepath: str | Path, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    @abstractmethod
    def read(self, path: Path) -> T:
        """Read the data from ``path``."""

    @abstractmethod
    def write(self, data: T, path: Path) -> None:
        """Write the data to ``path``, a new file or folder."""

    def load(self) -> T:
        """Read the dataset."""
        return self.read(self._filepath)

    def save(self, data: T) -> None:
        """Write the dataset atomically."""
        with atomically(self._filepath) as fresh:
            self.write(data, fresh)

    def _exists(self) -> bool:
        return self._filepath.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
