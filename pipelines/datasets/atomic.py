"""Saving that appears at once or not at all.

`atomically` is the primitive, `Atomic` puts it under any dataset class that keeps its target in one
attribute, `FileDataset` is the base of the project's own dataset classes.
"""

from __future__ import annotations

import contextlib
import copy
import shutil
import uuid
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset

__all__ = ["Atomic", "FileDataset", "atomically"]

T = TypeVar("T")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def atomically(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write a file or folder to; then it becomes ``target``.

    The suffix of the name stays, for writers that look at it. A file takes the place of a file in
    one step; a folder needs two, so an old folder is first moved aside. If the body raises, what it
    wrote is removed and ``target`` is untouched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    token = uuid.uuid4().hex[:8]
    fresh = target.with_name(f".{token}.new.{target.name}")
    stale = target.with_name(f".{token}.old.{target.name}")
    try:
        yield fresh
        if fresh.is_dir() and target.exists():
            target.rename(stale)
        fresh.replace(target)
    finally:
        _remove(fresh)
        if stale.exists() and not target.exists():
            stale.rename(target)
        _remove(stale)


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
