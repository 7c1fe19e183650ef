"""Where the file of a device may lie, and its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.devices.intake.files import check_path


@pytest.mark.parametrize("name", ["my-board", "Board_2", "a.b", "7x"])
def test_good_names(tmp_path: Path, name: str) -> None:
    assert check_path(tmp_path / f"{name}.csv") == []


@pytest.mark.parametrize("name", ["my board", "board (1)", "_x", "é", "-x", "board\n"])
def test_bad_names(tmp_path: Path, name: str) -> None:
    (finding,) = check_path(tmp_path / f"{name}.csv")
    assert finding.kind == "file name"
    assert repr(name) in finding.message


def test_two_files_of_a_device(tmp_path: Path) -> None:
    for name in ("board.csv", "board.parquet", "board.md", "other.csv"):
        (tmp_path / name).touch()
    for name, twin in (("board.csv", "board.parquet"), ("board.parquet", "board.csv")):
        (finding,) = check_path(tmp_path / name)
        assert twin in finding.message
        assert "other" not in finding.message
    assert check_path(tmp_path / "other.csv") == []


def test_a_symbolic_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "board.csv").symlink_to(tmp_path / "secret.txt")
    (finding,) = check_path(tmp_path / "board.csv")
    assert finding.kind == "symbolic link"
