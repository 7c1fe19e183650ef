from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.predictors.transfer import shipped_prior
from pipelines.datasets import DeviceFoldersDataset, DevicePriorDataset


def test_the_prior_is_that_which_ships_while_there_is_none(tmp_path: Path) -> None:
    dataset = DevicePriorDataset(tmp_path / "prior.safetensors")
    assert dataset.exists()
    assert dataset.load().devices == shipped_prior("nasbench201").devices


def test_a_prior_of_ones_own_wins(tmp_path: Path) -> None:
    dataset = DevicePriorDataset(tmp_path / "prior.safetensors")
    dataset.save(shipped_prior("nasbench201").without(["pixel3"]))
    assert len(dataset.load().features.columns) == 18


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
