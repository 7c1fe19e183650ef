"""Files appear complete, once they are on the disk, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brpnas.arrays import write_arrays
from brpnas.atomic import atomic_path
from brpnas.search import FileOracle


def test_atomic_path(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    with atomic_path(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole"
    with (
        pytest.raises(ZeroDivisionError),
        atomic_path(path) as partial,
    ):
        partial.write_text(f"half {1 / 0}")
    assert path.read_text() == "whole"
    assert [p.name for p in tmp_path.iterdir()] == ["out.txt"]


def test_what_appears_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a loss of power a renamed file must not be an empty one."""
    path, steps, flush, replace = tmp_path / "out.txt", [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda opened: steps.append("flushed") or flush(opened))
    monkeypatch.setattr(os, "replace", lambda *paths: steps.append("appears") or replace(*paths))
    with atomic_path(path) as partial:
        partial.write_text("whole")
    assert steps == ["flushed", "appears"]


def test_a_file_of_arrays_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    write_arrays(path, {"x": np.arange(3)}, compress=False)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="Object arrays"):
        write_arrays(path, {"x": np.arange(9), "y": np.array([None])}, compress=False)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_questions_are_on_the_disk_before_they_appear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed, flush = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda opened: flushed.append(opened) or flush(opened))
    oracle = FileOracle(tmp_path / "asked.csv", tmp_path / "answers.csv", "x")
    oracle._write([{"query": 0, "arch_id": "a", "run": 0}])
    assert pd.read_csv(tmp_path / "asked.csv")["arch_id"].tolist() == ["a"]
    assert flushed
    assert len(list(tmp_path.iterdir())) == 1
