"""Formats and writing of tables; most kinds of damage are in `tests.hostile`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from brpnas.tables import CELL, Column, Finding, files, read_lines
from brpnas.tables.files import RawTable
from brpnas.tables.limits import MAX_BYTES, MAX_TEXT

GOOD = "arch_id,latency_ms\na,1\nb,2\n"
COLUMNS = (CELL, Column("latency_ms", "number", required=True), Column("x"))


def read_raw(path: Path, most: int = 100) -> tuple[RawTable | None, list[Finding]]:
    return files.read_raw(path, COLUMNS, most=most)


def read(folder: Path, content: bytes | str, name: str = "board.csv") -> RawTable:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    raw, found = read_raw(folder / name)
    assert found == []
    assert raw is not None
    return raw


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.rstrip(),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        '"arch_id","latency_ms"\n"a","1"\n"b","2"\n',
        " arch_id , latency_ms \n a , 1 \n\tb,2\n",
    ],
    ids=["plain", "no end", "Windows", "old Mac", "BOM", "quotes", "blanks"],
)
def test_usual_ways_to_write_csv(tmp_path: Path, content: bytes | str) -> None:
    texts = {"arch_id": ["a", "b"], "latency_ms": ["1", "2"]}
    assert read(tmp_path, content) == RawTable(texts, (2, 3), 2)


def test_blank_lines_count_as_lines(tmp_path: Path) -> None:
    raw = read(tmp_path, "\n\narch_id,latency_ms\n\na,1\n  \n\nb,2\n\n")
    assert raw.lines == (5, 8)
    assert raw.total == 2


def test_a_row_of_empty_values_is_a_row(tmp_path: Path) -> None:
    raw = read(tmp_path, GOOD + ",\nc,3\n")
    assert [texts[2] for texts in raw.texts.values()] == ["", ""]
    assert raw.lines == (2, 3, 4, 5)


@pytest.mark.parametrize("rows", [",\n", ",\n,\n\n ,\t\n", ",,\n,,,\n", '"",""'])
def test_rows_of_empty_values_at_the_end_are_left_out(tmp_path: Path, rows: str) -> None:
    """Spreadsheets write them."""
    assert read(tmp_path, GOOD + rows) == read(tmp_path, GOOD)


def test_a_header_above_empty_values_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "board.csv").write_text("arch_id,latency_ms\n,\n,\n")
    _, (finding,) = read_raw(tmp_path / "board.csv")
    assert finding.kind == "no rows"


def test_a_number_may_name_a_column(tmp_path: Path) -> None:
    (tmp_path / "board.csv").write_text("0,arch_id,2023,latency_ms\n7,a,x,1\n")
    raw, (finding,) = read_raw(tmp_path / "board.csv")
    assert raw is not None
    assert raw.texts == {"arch_id": ["a"], "latency_ms": ["1"]}
    assert (finding.kind, finding.severity) == ("unknown column", "warning")


@pytest.mark.parametrize(
    ("content", "words", "line"),
    [
        ('"arch_id";"latency_ms"\n"a";"4,31"\n', "a semicolon", 1),
        ('"arch_id"\t"latency_ms"\r\n"a"\t"4.31"\r\n', "a tab", 1),
        ('\narch_id;latency_ms\n"a";4,31\n', "a semicolon", 2),
        ('"arch_id";"latency_ms"\n"a;1\n', "a semicolon", 1),
    ],
)
def test_quotes_do_not_hide_another_delimiter(
    tmp_path: Path, content: str, words: str, line: int
) -> None:
    (tmp_path / "board.csv").write_text(content, newline="")
    raw, found = read_raw(tmp_path / "board.csv")
    assert raw is None
    assert found[0].kind == "delimiter"
    assert f"separated by {words}," in found[0].message
    assert found[0].rows == (line,)


def test_other_separators_of_lines_do_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, "arch_id,latency_ms,x\na,1,\x0b\u2028\nb,2,\n").lines == (2, 3)


def test_rows_of_parquet_count_from_one(tmp_path: Path) -> None:
    pd.DataFrame({"arch_id": ["a", "b"], "latency_ms": [1.0, 2.0]}).to_parquet(
        tmp_path / "board.parquet"
    )
    raw, found = read_raw(tmp_path / "board.parquet")
    assert found == []
    assert raw is not None
    assert raw.lines == (1, 2)


@pytest.mark.parametrize("name", ["board.CSV", "board.Csv"])
def test_the_suffix_may_be_in_capitals(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, GOOD, name).total == 2


@pytest.mark.parametrize("name", ["board.tsv", "board", "board.csv.gz", "board.xlsx"])
def test_other_kinds_of_file_are_refused_unread(tmp_path: Path, name: str) -> None:
    raw, (finding,) = read_raw(tmp_path / name)
    assert raw is None
    assert finding.kind == "file type"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "board.csv").mkdir()
    _, (finding,) = read_raw(tmp_path / "board.csv")
    assert "a folder" in finding.message


def test_uneven_rows_are_told_and_the_others_read(tmp_path: Path) -> None:
    (tmp_path / "board.csv").write_text("arch_id,latency_ms\na,1\nb\nc,3,\nd,4\n")
    raw, (finding,) = read_raw(tmp_path / "board.csv")
    assert raw is not None
    assert raw.texts == {"arch_id": ["a", "d"], "latency_ms": ["1", "4"]}
    assert raw.lines == (2, 5)
    assert raw.total == 4
    assert finding.rows == (3, 4)


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("b,2,", "a comma"),
        ("b,4,31", "decimal comma"),
        ("(3, 3, 4, 1, 3, 1),2", "tuple"),
        ("b;2", "semicolon"),
        ("b", "cut off"),
    ],
)
def test_uneven_rows_have_a_likely_cause(tmp_path: Path, row: str, cause: str) -> None:
    (tmp_path / "board.csv").write_text(f"arch_id,latency_ms\na,1\n{row}\n")
    _, (finding,) = read_raw(tmp_path / "board.csv")
    assert cause in finding.message
    assert finding.rows == (3,)


@pytest.mark.parametrize("row", ['"b,2', '"b"x,2', '"b\nc",2'])
def test_quotes_that_do_not_match(tmp_path: Path, row: str) -> None:
    (tmp_path / "board.csv").write_text(f"arch_id,latency_ms\na,1\n\n{row}\nd,4\n")
    raw, (finding,) = read_raw(tmp_path / "board.csv")
    assert raw is None
    assert (finding.kind, finding.rows) == ("quotes", (4,))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_wide_encodings_are_told(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "board.csv").write_bytes(GOOD.encode(encoding))
    _, (finding,) = read_raw(tmp_path / "board.csv")
    assert finding.kind == "encoding"


@pytest.mark.parametrize("content", [b"", b" \n\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n \n"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_nothing_in_it(tmp_path: Path, content: bytes, suffix: str) -> None:
    path = (tmp_path / "board").with_suffix(suffix)
    path.write_bytes(content)
    raw, (finding,) = read_raw(path)
    assert raw is None
    assert finding.kind in ("empty file", "unreadable Parquet")


def only(path: Path, most: int = 100) -> Finding:
    raw, (finding,) = read_raw(path, most)
    assert raw is None
    assert len(finding.message) < 500
    return finding


def test_sizes_are_limited(tmp_path: Path) -> None:
    path = tmp_path / "board.csv"
    path.write_text(GOOD + "c,3\n" * 10)
    assert only(path, most=11).kind == "too many rows"
    assert read_raw(path, 12)[1] == []
    path.write_text("arch_id,latency_ms" + ",c" * 1_000 + "\n")
    assert only(path).kind == "too many columns"
    path.write_text(GOOD + "\n" + "," * 1_000 + "\n")
    assert only(path).kind == "too many columns"
    path.write_text(GOOD + "c" * (MAX_TEXT + 1) + ",3\n")
    assert (only(path).kind, only(path).rows) == ("long value", (4,))
    path.write_text(GOOD + "c" * 200_000 + ",3\n")
    assert (only(path).kind, only(path).rows) == ("long value", (4,))
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert only(path).kind == "too many bytes"


def test_values_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_VALUES", 5)
    (tmp_path / "board.csv").write_text(GOOD)
    assert only(tmp_path / "board.csv").kind == "too many values"


def test_lines_of_a_text_file(tmp_path: Path) -> None:
    path = tmp_path / "cells.txt"
    path.write_bytes(b"\xef\xbb\xbf# mine\r\n\r\n a \r\nb\r\n")
    assert read_lines(path) == ([(3, "a"), (4, "b")], [])
    path.write_bytes("a\nb\n".encode("utf-16"))
    assert read_lines(path)[1][0].kind == "encoding"
    path.write_text("a\n" + "b" * (MAX_TEXT + 1))
    assert read_lines(path)[1][0].rows == (2,)
