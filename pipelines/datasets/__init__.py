"""The only place of the application that reads and writes files.

Whatever is saved appears at once or not at all: it is written beside its target and then takes the
target's place. A save that fails, or a run that is killed, leaves the old file as it was.
"""

from pipelines.datasets.artifacts import (
    BytesDataset,
    PlotsDataset,
    PredictorDataset,
    SpaceGraphsDataset,
)
from pipelines.datasets.atomic import Atomic, FileDataset, atomically
from pipelines.datasets.device_files import DeviceFilesDataset
from pipelines.datasets.devices import DeviceFoldersDataset, DevicePriorDataset
from pipelines.datasets.measured import (
    AccuracyTablesDataset,
    DeviceCatalogueDataset,
    DeviceTablesDataset,
    OperationTablesDataset,
)
from pipelines.datasets.sources import PublishedFiles, SearchStoreDataset
from pipelines.datasets.tables import JSONDataset, ParquetDataset, PartitionedDataset, TextDataset

__all__ = [
    "AccuracyTablesDataset",
    "Atomic",
    "BytesDataset",
    "DeviceCatalogueDataset",
    "DeviceFilesDataset",
    "DeviceFoldersDataset",
    "DevicePriorDataset",
    "DeviceTablesDataset",
    "FileDataset",
    "JSONDataset",
    "OperationTablesDataset",
    "ParquetDataset",
    "PartitionedDataset",
    "PlotsDataset",
    "PredictorDataset",
    "PublishedFiles",
    "SearchStoreDataset",
    "SpaceGraphsDataset",
    "TextDataset",
    "atomically",
]
