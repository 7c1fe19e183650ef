from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DatasetError

from brpnas.errors import SchemaError, UnknownNameError
from brpnas.predictors.transfer import shipped_prior
from pipelines.datasets import DeviceFoldersDataset, DevicePriorDataset


def test_the_prior_is_that_which_ships_while_there_is_none(tmp_path: Path) -> None:
    dataset = DevicePriorDataset(tmp_path / "prior.safetensors")
    assert dataset.exists()
    assert dataset.load().devices == shipped_prior("nasbench201").devices


def test_a_prior_of_ones_own_wins(tmp_path: Path) -> None:
    dataset = DevicePriorDataset(tmp_path / "prior.safetensors")
    shipped = shipped_prior("nasbench201")
    dataset.save(shipped.without(["pixel3"]))
    assert len(dataset.load().features.columns) == len(shipped.devices) - 1


def test_devices_have_a_folder_each(tmp_path: Path) -> None:
    dataset = DeviceFoldersDataset(str(tmp_path / "devices"))
    assert dataset.load() == {}
    dataset.save({"a": {"x": b"1", "y": b"2"}})
    dataset.save({"b": {"x": b"3"}})
    dataset.save({"a": {"x": b"4"}})
    folders = dataset.load()
    assert {name: sorted(f.name for f in path.iterdir()) for name, path in folders.items()} == {
        "a": ["x"],
        "b": ["x"],
    }
    assert (folders["a"] / "x").read_bytes() == b"4"


def test_a_save_that_fails_leaves_the_old_folder(tmp_path: Path) -> None:
    dataset = DeviceFoldersDataset(str(tmp_path / "devices"))
    dataset.save({"a": {"x": b"1"}})
    with pytest.raises(Exception, match="bytes"):
        dataset.save({"a": {"x": b"2", "y": "no bytes"}})  # type: ignore[dict-item]
    assert (dataset.load()["a"] / "x").read_bytes() == b"1"
    assert [path.name for path in (tmp_path / "devices").iterdir()] == ["a"]


def test_a_prior_that_is_none_is_an_error_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "prior.safetensors"
    path.write_bytes(b"no prior")
    dataset = DevicePriorDataset(path)
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, SchemaError)
    with pytest.raises(DatasetError):
        dataset.save("no prior either")
    assert path.read_bytes() == b"no prior"
    assert [file.name for file in tmp_path.iterdir()] == ["prior.safetensors"]


def test_the_space_of_the_prior_is_looked_up(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="nasbench"):
        DevicePriorDataset(tmp_path / "prior.safetensors", space="nasbench")
    assert "nasbench201" in str(DevicePriorDataset(tmp_path / "prior.safetensors"))


def test_files_beside_the_folders_are_no_devices(tmp_path: Path) -> None:
    dataset = DeviceFoldersDataset(str(tmp_path))
    dataset.save({"a": {"x": b"1"}})
    (tmp_path / "a.dvc").write_text("outs:")
    (tmp_path / ".gitignore").write_text("/a")
    (tmp_path / ".hidden").mkdir()
    assert dataset.load() == {"a": tmp_path / "a"}
    dataset.save({"a": {"x": b"2"}})
    assert sorted(p.name for p in tmp_path.iterdir()) == [".gitignore", ".hidden", "a", "a.dvc"]
