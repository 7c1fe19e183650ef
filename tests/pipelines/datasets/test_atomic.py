from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.io import DatasetError

from pipelines.datasets import BytesDataset, FileDataset, ParquetDataset, PartitionedDataset
from pipelines.datasets.atomic import atomically


class Breaks(FileDataset[bytes]):
    def read(self, path: Path) -> bytes:
        return path.read_bytes()

    def write(self, data: bytes, path: Path) -> None:
        path.write_bytes(data[:2])
        raise RuntimeError("full-7")


class Unwritable:
    """Data unsuitable for Parquet; the save fails after the file was opened."""

    def to_parquet(self, file: Any, **_: Any) -> None:
        file.write(b"half")
        raise RuntimeError("half-written")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "table.csv"
    with atomically(target) as fresh:
        fresh.write_text("whole")
        assert not target.exists()
        assert fresh.suffix == ".csv"
    assert target.read_text() == "whole"
    assert names(target.parent) == ["table.csv"]


@pytest.mark.parametrize("make", [False, True])
def test_failure_leaves_old_file_and_no_litter(tmp_path: Path, make: bool) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")

    def interrupted() -> None:
        with atomically(target) as fresh:
            if make:
                fresh.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    target = tmp_path / "plots"
    for name in ("a", "b"):
        with atomically(target) as fresh:
            fresh.mkdir()
            (fresh / name).touch()
    assert names(target) == ["b"]
    assert names(tmp_path) == ["plots"]


def test_failure_leaves_old_folder(tmp_path: Path) -> None:
    target = tmp_path / "plots"
    target.mkdir()
    (target / "a").touch()

    def interrupted() -> None:
        with atomically(target) as fresh:
            fresh.mkdir()
            (fresh / "b").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        interrupted()
    assert names(target) == ["a"]
    assert names(tmp_path) == ["plots"]


def test_own_dataset_keeps_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    BytesDataset(path).save(b"good")
    with pytest.raises(DatasetError, match=rf"{path}[\s\S]*full-7"):
        Breaks(path).save(b"new")
    assert BytesDataset(path).load() == b"good"
    assert names(tmp_path) == ["model.bin"]


def test_kedro_dataset_keeps_old_file_when_writing_fails(tmp_path: Path) -> None:
    dataset = ParquetDataset(filepath=str(tmp_path / "t.parquet"))
    dataset.save(pd.DataFrame({"a": [1]}))
    with pytest.raises(DatasetError, match="half-written"):
        dataset.save(Unwritable())
    assert dataset.load()["a"].tolist() == [1]
    assert names(tmp_path) == ["t.parquet"]


def test_partitions_keep_old_folder_when_one_fails(tmp_path: Path) -> None:
    dataset = PartitionedDataset(
        path=str(tmp_path / "latency"),
        dataset="pipelines.datasets.ParquetDataset",
        filename_suffix=".parquet",
    )
    dataset.save({"old": pd.DataFrame({"a": [1]})})
    with pytest.raises(DatasetError):
        dataset.save({"a-new": pd.DataFrame({"a": [2]}), "bad": Unwritable()})
    assert list(dataset.load()) == ["old"]
    dataset.save({"new": pd.DataFrame({"a": [3]})})
    assert {name: load()["a"].tolist() for name, load in dataset.load().items()} == {"new": [3]}
    assert names(tmp_path) == ["latency"]
