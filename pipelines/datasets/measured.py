"""What producers leave: tables of one device or data set beside those of others, device entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset

from brpnas.devices import Device, load_devices
from brpnas.errors import SchemaError
from pipelines.datasets.atomic import atomically

__all__ = ["AccuracyTablesDataset", "DeviceCatalogueDataset", "DeviceTablesDataset"]


class _TablesDataset(
    AbstractDataset[Mapping[str, pd.DataFrame], dict[str, Callable[[], pd.DataFrame]]]
):
    """A folder of tables; saving one leaves the others as they are.

    It writes Parquet, and reads CSV as well, for tables that were made elsewhere.

    Args:
        filepath: The folder; it need not exist.
        metadata: What hooks want to know about it; Kedro ignores it.
    """

    _kind: str

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath, self.metadata = Path(filepath), metadata

    def load(self) -> dict[str, Callable[[], pd.DataFrame]]:
        """Return for each name a function that reads its table.

        Raises:
            SchemaError: If a name has two.
        """
        tables: dict[str, Callable[[], pd.DataFrame]] = {}
        for suffix, read in {".parquet": pd.read_parquet, ".csv": pd.read_csv}.items():
            for file in sorted(self._filepath.glob(f"[!.]*{suffix}")):
                if file.stem in tables:
                    raise SchemaError(
                        f"{self._filepath} holds two tables of the {self._kind} {file.stem!r}: "
                        "remove the Parquet or the CSV file."
                    )
                tables[file.stem] = partial(read, file)
        return tables

    def save(self, data: Mapping[str, pd.DataFrame]) -> None:
        """Write the table of each name given, at once or not at all."""
        for name, table in data.items():
            with atomically(self._filepath / f"{name}.parquet") as fresh:
                table.to_parquet(fresh, index=False)

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


class DeviceTablesDataset(_TablesDataset):
    """A folder of latency tables, one per device."""

    _kind = "device"


class AccuracyTablesDataset(_TablesDataset):
    """A folder of accuracy tables, one per data set."""

    _kind = "data set"


class DeviceCatalogueDataset(AbstractDataset[Device, dict[str, Device]]):
    """A YAML catalogue of devices; saving one adds it to those that are there.

    Args:
        filepath: The file; it need not exist.
        metadata: What hooks want to know about it; Kedro ignores it.
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
