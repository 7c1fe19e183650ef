"""The folder into which owners of devices put their latencies, one file per device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from brpnas.devices import Intake, read_device_table
from brpnas.spaces import get_space

__all__ = ["DeviceFilesDataset"]

_TABLES = (".csv", ".parquet")
_BESIDE = {".md", ".yml", ".yaml", ".dvc"}


class DeviceFilesDataset(AbstractDataset[None, dict[str, Callable[..., Intake]]]):
    """A folder of files of latencies, ``<device>.csv`` or ``<device>.parquet``; read only.

    Loading it reads no file yet, so that one that is refused stands in nobody's way but its own.

    Args:
        filepath: The folder; it need not exist.
        space: Search space that the cells are of, where whoever reads a file names no other.
        metadata: What hooks want to know about it; Kedro ignores it.
    """

    def __init__(
        self, filepath: str, space: str = "nasbench201", metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath, self._space, self.metadata = Path(filepath), space, metadata

    def load(self) -> dict[str, Callable[..., Intake]]:
        """Return for each device a function that reads its file.

        The function takes the name of a ``space`` and the options of
        `brpnas.devices.read_device_table`, and raises `IntakeError` if the file is refused. Files
        of another kind than CSV and Parquet are among them, to be refused, if there is no table of
        that device; hidden files and notes are not.
        """
        files = self._filepath.iterdir() if self._filepath.is_dir() else ()
        tables: dict[str, Path] = {}
        for file in sorted(files, key=lambda file: (file.suffix.lower() not in _TABLES, file)):
            beside = file.name.startswith(".") or file.suffix.lower() in _BESIDE
            if file.is_file() and not beside:
                tables.setdefault(file.stem, file)
        get_space(self._space)  # a space that is not there is told now
        return {name: partial(_read, tables[name], space=self._space) for name in sorted(tables)}

    def save(self, data: None) -> None:
        """Refuse: these files are their owners'."""
        raise DatasetError(f"The files of latencies in {self._filepath} are read only.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "space": self._space}


def _read(path: Path, *, space: str, **options: Any) -> Intake:
    return read_device_table(path, get_space(space), **options)
