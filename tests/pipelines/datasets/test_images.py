from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from kedro.io import DatasetError

from brpnas.candidates import ImageSource
from brpnas.errors import SourceError
from pipelines.datasets import ImagesDataset


def test_digits_are_a_name() -> None:
    dataset = ImagesDataset("digits")
    assert dataset.exists()
    assert dataset.load() == "digits"
    assert "digits" in str(dataset)


def test_a_file_is_an_absolute_path(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", images=np.ones((30, 4, 5)), labels=np.arange(30) % 2)
    os.chdir(tmp_path)
    path = ImagesDataset("mine.npz").load()
    assert path == str(tmp_path / "mine.npz")
    assert ImageSource(path).load().input_shape == (1, 4, 5)


@pytest.mark.parametrize("name", ["mine.npz", "."])
def test_a_missing_file_says_where_its_name_comes_from(tmp_path: Path, name: str) -> None:
    dataset = ImagesDataset(str(tmp_path / name))
    assert dataset.exists(), "an input of the user is no output that a stage has yet to write"
    with pytest.raises(DatasetError, match=r"no images at .*globals\.yml") as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, SourceError)


def test_images_are_never_written(tmp_path: Path) -> None:
    dataset = ImagesDataset(str(tmp_path / "mine.npz"))
    with pytest.raises(DatasetError, match="read, never written"):
        dataset.save("anything")
    assert not list(tmp_path.iterdir())
