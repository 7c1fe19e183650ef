"""Files of the project's own kinds: graphs, predictors, bytes, folders of plot data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.graphs import SpaceGraphs
from pipelines.datasets.atomic import FileDataset

__all__ = [
    "BytesDataset",
    "BytesFolderDataset",
    "PlotsDataset",
    "PredictorFolderDataset",
    "RankerDataset",
    "SpaceGraphsDataset",
    "TrainedNetworkDataset",
]

_HEADER = b'{"__metadata__":{"kind":"no trained network"}}  '
_UNTRAINED = len(_HEADER).to_bytes(8, "little") + _HEADER
"""A safetensors file without tensors."""

_WEIGHTS = ".safetensors"


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


class RankerDataset(FileDataset[Any]):
    """A trained ranker as one safetensors file; torch is imported on first use."""

    def read(self, path: Path) -> Any:
        """Rebuild the ranker."""
        from brpnas.predictors.pairwise import PairwiseRanker  # noqa: PLC0415

        return PairwiseRanker.load(path)

    def write(self, data: Any, path: Path) -> None:
        """Write weights and settings."""
        data.save(path)


class PredictorFolderDataset(FileDataset[dict[str, Any]]):
    """Predictors by device metric as the safetensors files of one folder.

    Torch is imported on first use: stages without predictors run without it.
    """

    def read(self, path: Path) -> dict[str, Any]:
        """Rebuild every predictor, by the name of its file."""
        from brpnas.predictors.model import load_predictor  # noqa: PLC0415

        files = sorted(path.glob(f"*{_WEIGHTS}"))
        return {file.name.removesuffix(_WEIGHTS): load_predictor(file) for file in files}

    def write(self, data: dict[str, Any], path: Path) -> None:
        """Write weights and settings of every predictor."""
        path.mkdir()
        for name, predictor in data.items():
            predictor.save(path / f"{name}{_WEIGHTS}")


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
