"""The folder of latency files from owners of devices, one file per device."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kedro.io import AbstractDataset, DatasetError

from brpnas.spaces import get_space
from brpnas.tables import table_files

if TYPE_CHECKING:
    from brpnas.devices import Intake

__all__ = ["DeviceFilesDataset"]


class DeviceFilesDataset(AbstractDataset[None, dict[str, Callable[..., Any]]]):
    """A folder of files of latencies, ``<device>.csv`` or ``<device>.parquet``; read only.

    Files are read later, one by one: an invalid file only affects its own device.

    Args:
        filepath: The folder; it need not exist.
        space: Search space of the cells, unless the reader of a file names another.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(
        self, filepath: str, space: str = "nasbench201", metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath, self._space, self.metadata = Path(filepath), space, metadata

    def load(self) -> dict[str, Callable[..., Intake]]:
        """Return for each device a function reading its file.

        The function takes the name of a ``space`` and the options of
        `brpnas.devices.read_device_table`, and raises `IntakeError` if the file is refused. The
        files are those of `brpnas.tables.table_files`.
        """
        tables = table_files(self._filepath, meant=True)
        get_space(self._space)  # an unknown space is an error now
        return {name: partial(_read, path, space=self._space) for name, path in tables.items()}

    def save(self, data: None) -> None:
        """Refuse: only the owners write these files."""
        raise DatasetError(f"The files of latencies in {self._filepath} are read only.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "space": self._space}


def _read(path: Path, *, space: str, **options: Any) -> Intake:
    from brpnas.devices import read_device_table  # noqa: PLC0415 - it needs pandera

    return read_device_table(path, get_space(space), **options)
