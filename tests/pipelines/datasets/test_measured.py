from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from brpnas.devices import get_device
from pipelines.datasets import AccuracyTablesDataset, DeviceCatalogueDataset, DeviceTablesDataset

DEVICE = get_device("embedded-tpu-edge-tpu-int8")


def test_tables_of_other_devices_stay(tmp_path: Path) -> None:
    dataset = DeviceTablesDataset(str(tmp_path / "new" / "measured"))
    assert dataset.exists()
    assert dataset.load() == {}
    first, second = pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [2, 3]})
    dataset.save({"a": first})
    dataset.save({"b": first})
    dataset.save({"b": second})
    loaded = dataset.load()
    assert list(loaded) == ["a", "b"]
    assert loaded["a"]().equals(first)
    assert loaded["b"]().equals(second)
    assert {file.name for file in (tmp_path / "new" / "measured").iterdir()} == {
        "a.parquet",
        "b.parquet",
    }


def test_tables_measured_elsewhere_may_be_csv(tmp_path: Path) -> None:
    dataset = DeviceTablesDataset(str(tmp_path))
    table = pd.DataFrame({"x": [1, 2]})
    table.to_csv(tmp_path / "mine.csv", index=False)
    dataset.save({"a": table})
    assert {name: read().equals(table) for name, read in dataset.load().items()} == {
        "a": True,
        "mine": True,
    }
    dataset.save({"mine": table})
    with pytest.raises(DatasetError, match="two tables of the device 'mine'"):
        dataset.load()


def test_accuracy_tables_are_named_after_data_sets(tmp_path: Path) -> None:
    dataset = AccuracyTablesDataset(str(tmp_path))
    table = pd.DataFrame({"x": [1]})
    dataset.save({"digits": table})
    assert dataset.load()["digits"]().equals(table)
    table.to_csv(tmp_path / "digits.csv", index=False)
    with pytest.raises(DatasetError, match="two tables of the data set 'digits'"):
        dataset.load()


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    dataset = DeviceTablesDataset(str(tmp_path))
    old = pd.DataFrame({"x": [1]})
    dataset.save({"a": old})
    with pytest.raises(DatasetError):
        dataset.save({"a": pd.DataFrame({"x": [object()]})})
    assert dataset.load()["a"]().equals(old)
    assert len(list(tmp_path.iterdir())) == 1


def test_devices_are_added_to_a_catalogue(tmp_path: Path) -> None:
    dataset = DeviceCatalogueDataset(str(tmp_path / "devices.yml"))
    assert dataset.exists()
    assert dataset.load() == {}
    mine = DEVICE.model_copy(update={"name": "mine"})
    dataset.save(DEVICE)
    dataset.save(mine)
    assert dataset.load() == {DEVICE.name: DEVICE, "mine": mine}
    with pytest.raises(DatasetError, match="Another device is named 'mine'"):
        dataset.save(mine.model_copy(update={"precision": "fp16"}))
