from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError
from safetensors import safe_open

from brpnas.graphs import VIEWS, SpaceGraphs
from pipelines.datasets import (
    BytesDataset,
    PlotsDataset,
    PredictorFolderDataset,
    RankerDataset,
    SpaceGraphsDataset,
    TrainedNetworkDataset,
)


def test_graphs_round_trip(tmp_path: Path, small_graphs: SpaceGraphs) -> None:
    dataset = SpaceGraphsDataset(tmp_path / "graphs.npz")
    dataset.save(small_graphs)
    loaded = dataset.load()
    assert loaded.arch_ids == small_graphs.arch_ids
    for view in VIEWS:
        np.testing.assert_array_equal(loaded.view(view).adj, small_graphs.view(view).adj)


def test_corrupt_graphs_say_what_to_run(tmp_path: Path) -> None:
    path = tmp_path / "graphs.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(DatasetError, match=rf"{path} .*\bfeaturise\b"):
        SpaceGraphsDataset(path).load()


def test_bytes_round_trip(tmp_path: Path) -> None:
    dataset = BytesDataset(str(tmp_path / "onnx" / "m.onnx"))
    dataset.save(b"\x00\xff")
    assert dataset.load() == b"\x00\xff"


def test_plots_are_csv_files_without_leftovers(tmp_path: Path) -> None:
    dataset = PlotsDataset(tmp_path / "plots")
    dataset.save({"old": pd.DataFrame({"x": [1]})})
    dataset.save({"a": pd.DataFrame({"x": [1, 2]}), "b": pd.DataFrame({"y": [0.5]})})
    assert sorted(dataset.load()) == ["a", "b"]
    assert (tmp_path / "plots" / "a.csv").read_text() == "x\n1\n2\n"


class Fake:
    """A predictor of one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def save(self, path: Path) -> None:
        path.write_text(self.text)

    @classmethod
    def load(cls, path: Path) -> Fake:
        return cls(path.read_text())


def test_ranker_is_saved_and_rebuilt_by_its_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("brpnas.predictors.pairwise")
    module.PairwiseRanker = Fake  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    dataset = RankerDataset(tmp_path / "p.safetensors")
    dataset.save(Fake("weights"))
    assert dataset.load().text == "weights"


def test_predictors_are_files_of_their_device_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("brpnas.predictors.model")
    module.load_predictor = Fake.load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    dataset = PredictorFolderDataset(tmp_path / "predictors")
    dataset.save({"energy_mj@old": Fake("gone")})
    dataset.save({"latency_ms@a.b": Fake("one"), "energy_mj@c": Fake("two")})
    names = sorted(path.name for path in (tmp_path / "predictors").iterdir())
    assert names == ["energy_mj@c.safetensors", "latency_ms@a.b.safetensors"]
    found = {name: predictor.text for name, predictor in dataset.load().items()}
    assert found == {"latency_ms@a.b": "one", "energy_mj@c": "two"}


def test_without_a_training_the_file_is_no_empty_one(tmp_path: Path) -> None:
    dataset = TrainedNetworkDataset(tmp_path / "winner.safetensors")
    for content in (b"", b"weights"):
        dataset.save(content)
        assert dataset.load() == content
    dataset.save(b"")
    with safe_open(tmp_path / "winner.safetensors", "numpy") as file:
        assert list(file.keys()) == []
        assert file.metadata() == {"kind": "no trained network"}
