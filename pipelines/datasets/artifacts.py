"""Files of the project's own kinds: graphs, predictors, bytes, folders of plot data."""

from __future__ import annotations

from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.errors import UnknownNameError
from brpnas.graphs import SpaceGraphs
from pipelines.datasets.atomic import FileDataset

__all__ = [
    "BytesDataset",
    "BytesFolderDataset",
    "PlotsDataset",
    "PredictorDataset",
    "SpaceGraphsDataset",
    "TrainedNetworkDataset",
]

_HEADER = b'{"__metadata__":{"kind":"no trained network"}}  '
_UNTRAINED = len(_HEADER).to_bytes(8, "little") + _HEADER
"""A safetensors file without tensors."""

_PREDICTORS = {
    "latency": ("brpnas.predictors.model", "load_latency"),
    "ranker": ("brpnas.predictors.pairwise", "PairwiseRanker.load"),
}


class BytesDataset(FileDataset[bytes]):
    """Bytes as they are, for example an ONNX model."""

    def read(self, path: Path) -> bytes:
        """Read the bytes."""
        return path.read_bytes()

    def write(self, data: bytes, path: Path) -> None:
        """Write the bytes."""
        path.write_bytes(data)


class BytesFolderDataset(FileDataset[dict[str, bytes]]):
    """Files by name in a folder, which is replaced as a whole."""

    def read(self, path: Path) -> dict[str, bytes]:
        """Read every file."""
        return {file.name: file.read_bytes() for file in sorted(path.iterdir())}

    def write(self, data: dict[str, bytes], path: Path) -> None:
        """Write the files."""
        path.mkdir()
        for name, content in data.items():
            (path / name).write_bytes(content)


class TrainedNetworkDataset(BytesDataset):
    """A trained network as `brpnas.candidates.TrainedNetworkFile.to_bytes` gives it, or nothing.

    Without a training the file holds no tensor and says so in its metadata: DVC and readers never
    meet an empty file.
    """

    def read(self, path: Path) -> bytes:
        """Read the network; empty if none was trained."""
        content = super().read(path)
        return b"" if content == _UNTRAINED else content

    def write(self, data: bytes, path: Path) -> None:
        """Write the network, or a file without tensors."""
        super().write(data or _UNTRAINED, path)


class SpaceGraphsDataset(FileDataset[SpaceGraphs]):
    """The graphs of a whole space as one NPZ file."""

    def read(self, path: Path) -> SpaceGraphs:
        """Read the graphs."""
        return SpaceGraphs.load(path)

    def write(self, data: SpaceGraphs, path: Path) -> None:
        """Write the graphs."""
        data.save(path)


class PredictorDataset(FileDataset[Any]):
    """A trained predictor as one safetensors file.

    Args:
        filepath: The file.
        kind: ``latency`` or ``ranker``. The library is imported on first use: stages without
            predictors run without torch.
        metadata: Settings for hooks; Kedro ignores them.
    """

    def __init__(
        self, filepath: str | Path, kind: str, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath, metadata)
        if kind not in _PREDICTORS:
            raise UnknownNameError("kind of predictor", kind, _PREDICTORS)
        self._kind = kind

    def read(self, path: Path) -> Any:
        """Rebuild the predictor."""
        module, name = _PREDICTORS[self._kind]
        return attrgetter(name)(import_module(module))(path)

    def write(self, data: Any, path: Path) -> None:
        """Write weights and settings."""
        data.save(path)

    def _describe(self) -> dict[str, Any]:
        return super()._describe() | {"kind": self._kind}


class PlotsDataset(FileDataset[dict[str, pd.DataFrame]]):
    """Tables by name as the CSV files of one folder, the form read by `dvc plots`."""

    def read(self, path: Path) -> dict[str, pd.DataFrame]:
        """Read every CSV file of the folder."""
        return {file.stem: pd.read_csv(file) for file in sorted(path.glob("*.csv"))}

    def write(self, data: dict[str, pd.DataFrame], path: Path) -> None:
        """Write one CSV file per table."""
        path.mkdir()
        for name, table in data.items():
            table.to_csv(path / f"{name}.csv", index=False)
