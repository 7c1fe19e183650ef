"""The only place of the application that reads and writes files.

Every save is atomic: the file is written beside its target and then replaces it. A failed save or a
killed run leaves the old file unchanged.
"""

from pipelines.datasets.artifacts import (
    BytesDataset,
    BytesFolderDataset,
    PlotsDataset,
    PredictorFolderDataset,
    RankerDataset,
    SpaceGraphsDataset,
    TrainedNetworkDataset,
)
from pipelines.datasets.atomic import Atomic, FileDataset, atomically
from pipelines.datasets.device_files import DeviceFilesDataset
from pipelines.datasets.devices import DeviceFoldersDataset, DevicePriorDataset
from pipelines.datasets.measured import (
    AccuracyTablesDataset,
    CurveTablesDataset,
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
    "BytesFolderDataset",
    "CurveTablesDataset",
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
    "PredictorFolderDataset",
    "PublishedFiles",
    "RankerDataset",
    "SearchStoreDataset",
    "SpaceGraphsDataset",
    "TextDataset",
    "TrainedNetworkDataset",
    "atomically",
]
