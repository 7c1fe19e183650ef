"""Outputs of producers: tables per device or data set, and entries of the device catalogue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset

from brpnas import datasets
from brpnas.devices import Device, load_devices
from brpnas.spaces import DEFAULT_SPACE, get_space
from brpnas.tables import table_files
from pipelines.datasets.atomic import atomically

__all__ = [
    "AccuracyTablesDataset",
    "CurveTablesDataset",
    "DeviceCatalogueDataset",
    "DeviceTablesDataset",
    "OperationTablesDataset",
]

Readers = dict[str, Callable[..., pd.DataFrame]]


class _TablesDataset(AbstractDataset[Mapping[str, pd.DataFrame], Readers]):
    """A folder of tables; saving one keeps the others.

    It writes Parquet, and also reads CSV, for tables made elsewhere.

    Args:
        filepath: The folder; it need not exist.
        space: Search space of the cells, unless the reader of a table names another.
        metadata: Settings for hooks; Kedro ignores them.
    """

    _kind: str
    _schema: str
    """Name of the schema in `brpnas.datasets`; the first use imports pandera."""

    def __init__(
        self, filepath: str, space: str = DEFAULT_SPACE, metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath, self._space, self.metadata = Path(filepath), space, metadata

    def load(self) -> Readers:
        """Return for each name a function reading its table.

        The function takes the name of a ``space``, and raises `IntakeError` or `SchemaError` if the
        table is invalid.
        """
        read = partial(_read, schema=self._schema, space=self._space, kind=self._kind)
        return {name: partial(read, path) for name, path in table_files(self._filepath).items()}

    def save(self, data: Mapping[str, pd.DataFrame]) -> None:
        """Write the table of each given name atomically."""
        for name, table in data.items():
            with atomically(self._filepath / f"{name}.parquet") as fresh:
                table.to_parquet(fresh, index=False)

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


class DeviceTablesDataset(_TablesDataset):
    """A folder of latency tables, one per device."""

    _kind, _schema = "device", "LATENCY"


class OperationTablesDataset(_TablesDataset):
    """A folder of tables of operations measured alone, one per device."""

    _kind, _schema = "device", "OPERATIONS"


class AccuracyTablesDataset(_TablesDataset):
    """A folder of accuracy tables, one per data set."""

    _kind, _schema = "data set", "ACCURACY"


class CurveTablesDataset(_TablesDataset):
    """A folder of tables of learning curves, one per data set."""

    _kind, _schema = "data set", "CURVES"


def _read(path: Path, *, schema: str, space: str, kind: str) -> pd.DataFrame:
    return datasets.read_own_table(path, getattr(datasets, schema), get_space(space), kind)


class DeviceCatalogueDataset(AbstractDataset[Device, dict[str, Device]]):
    """A YAML catalogue of devices; saving a device adds it.

    Args:
        filepath: The file; it need not exist.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath, self.metadata = Path(filepath), metadata

    def load(self) -> dict[str, Device]:
        """Return the devices by name; none if there is no file."""
        return load_devices(self._filepath) if self._filepath.exists() else {}

    def save(self, data: Device) -> None:
        """Add a device.

        Raises:
            MeasurementError: If another device has its name.
        """
        from brpnas.measure.hardware import add_device  # noqa: PLC0415 - it needs torch

        add_device(data, self._filepath)

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}
