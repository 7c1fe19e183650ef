"""Inputs of stages without a producing stage: published files, and the store of a search."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from brpnas.datasets.sources import fetch_group

__all__ = ["PublishedFiles", "SearchStoreDataset"]


class PublishedFiles(AbstractDataset[None, Callable[[], dict[str, Path]]]):
    """The published files of one benchmark, verified; fetched if not in the cache.

    Loading gives a function. The download starts when a node calls it.

    The files come from the folder in the environment variable ``BRPNAS_MIRROR`` (relative to the
    working directory) if it is set, else from their URLs.

    Args:
        group: Group of sources in the catalogue of `brpnas.datasets`.
        filepath: Folder of the cache.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(self, group: str, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._group, self._filepath, self.metadata = group, Path(filepath), metadata

    def load(self) -> Callable[[], dict[str, Path]]:
        """Return a function without arguments, returning the local path of each source by name.

        The function raises `UnknownNameError` if the catalogue has no such group, `SourceError` if
        a file is missing, unreachable or differs from the published one.
        """
        mirror = os.environ.get("BRPNAS_MIRROR")
        where = Path(mirror).resolve() if mirror else None
        return partial(fetch_group, self._group, mirror=where, cache=self._filepath)

    def save(self, data: None) -> None:
        """Refuse: published files are read only."""
        raise DatasetError(f"The published files of {self._group!r} cannot be written.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"group": self._group, "filepath": str(self._filepath)}


class SearchStoreDataset(AbstractDataset[None, Path]):
    """The folder for the answers of running searches.

    Not an output of any stage: DVC must not remove it before a run, because a killed search resumes
    from it. Each task has its own file there.

    Args:
        filepath: The folder; made on load.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath, self.metadata = Path(filepath), metadata

    def load(self) -> Path:
        """Return the folder."""
        self._filepath.mkdir(parents=True, exist_ok=True)
        return self._filepath

    def save(self, data: None) -> None:
        """Refuse: the search itself appends to the store."""
        raise DatasetError("The store of a search is written by the search alone.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
