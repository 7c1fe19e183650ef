from __future__ import annotations

from pathlib import Path

import pytest

from brpnas.tables import check_place, table_files


def test_tables_come_before_what_may_be_meant_as_one(tmp_path: Path) -> None:
    for name in (
        "b.CSV",
        "a.xlsx",
        "a.csv",
        "c.tsv",
        "README.txt",
        "run.json",
        "d.csv.gz",
        "notes.md",
        "e.parquet",
        ".f.csv",
    ):
        (tmp_path / name).touch()
    (tmp_path / "folder.csv").mkdir()
    assert list(table_files(tmp_path)) == ["a", "b", "e"]
    meant = table_files(tmp_path, meant=True)
    assert {stem: file.name for stem, file in meant.items()} == {
        "a": "a.csv",
        "b": "b.CSV",
        "c": "c.tsv",
        "d.csv": "d.csv.gz",
        "e": "e.parquet",
    }
    assert table_files(tmp_path / "none") == {}


def test_a_link_is_refused_where_owners_bring_tables(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "secret")
    (finding,) = check_place(tmp_path / "a.csv")
    assert finding.kind == "symbolic link"
    assert check_place(tmp_path / "a.csv", links=True) == []


@pytest.mark.parametrize("stem", ["a\nb", "a\n", "../x", ""])
def test_a_name_that_could_be_mistaken_is_shown_escaped(tmp_path: Path, stem: str) -> None:
    (finding,) = check_place(tmp_path / f"{stem.replace('/', '|')}.csv")
    assert finding.kind == "file name"
    assert "\n" not in finding.message
