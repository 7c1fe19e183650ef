from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DatasetError

from brpnas.errors import SourceError, UnknownNameError
from pipelines.datasets import PublishedFiles, SearchStoreDataset


def test_nothing_is_fetched_before_it_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRPNAS_MIRROR", str(tmp_path / "nowhere"))
    get = PublishedFiles("latbench", str(tmp_path)).load()
    with pytest.raises(SourceError, match="nowhere"):
        get()


def test_mirror_is_relative_to_the_working_directory(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "mirror").symlink_to(mirror)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("BRPNAS_MIRROR", "../mirror")
    files = PublishedFiles("latbench", str(tmp_path / "cache")).load()()
    assert len(files) == 13
    assert all(path.is_file() for path in files.values())


def test_corrupt_file_in_the_mirror_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "latbench").mkdir()
    (tmp_path / "latbench" / "desktop-cpu-core-i7-7820x-fp32.pickle").write_bytes(b"other")
    monkeypatch.setenv("BRPNAS_MIRROR", str(tmp_path))
    with pytest.raises(SourceError, match="sha256"):
        PublishedFiles("latbench", str(tmp_path)).load()()


def test_unknown_group_suggests_one() -> None:
    with pytest.raises(UnknownNameError, match="latbench"):
        PublishedFiles("latbnch", ".").load()()


def test_published_files_cannot_be_written() -> None:
    with pytest.raises(DatasetError, match="'latbench'"):
        PublishedFiles("latbench", ".").save({})  # type: ignore[arg-type]


def test_store_is_a_folder_that_is_made_and_kept(tmp_path: Path) -> None:
    dataset = SearchStoreDataset(str(tmp_path / "store"))
    assert dataset.exists()
    (dataset.load() / "task.jsonl").write_text("{}")
    assert [path.name for path in dataset.load().iterdir()] == ["task.jsonl"]
