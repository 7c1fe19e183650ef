from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from brpnas.candidates.images.listing import list_folder
from brpnas.errors import SchemaError


def test_folders_and_files_by_name(tmp_path: Path) -> None:
    for name in ("b", "a", ".git", "__MACOSX"):
        (tmp_path / name).mkdir()
    for name in ("2.png", "1.png", ".DS_Store"):
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    listing = list_folder(tmp_path)
    assert [path.name for path in listing.folders] == ["a", "b", "link"]
    assert [path.name for path in listing.files] == ["1.png", "2.png"]
    assert [path.name for path in listing.left_out] == [".DS_Store", ".git", "__MACOSX"]


def test_what_cannot_be_listed_is_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=f"gone .*: {os.strerror(errno.ENOENT)}"):
        list_folder(tmp_path / "gone")


@pytest.mark.parametrize("name", ["@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"])
def test_folders_of_systems_are_left_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    listing = list_folder(tmp_path)
    assert (listing.folders, listing.left_out) == ((), (tmp_path / name,))


def test_pipes_are_left_out_and_dead_links_are_not(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "1.png")
    (tmp_path / "2.png").symlink_to(tmp_path / "1.png")
    (tmp_path / "3.png").symlink_to(tmp_path / "gone.png")
    listing = list_folder(tmp_path)
    assert listing.left_out == (tmp_path / "1.png", tmp_path / "2.png")
    assert listing.files == (tmp_path / "3.png",)
