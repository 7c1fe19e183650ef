"""What a file is and how it is written; most kinds of damage are in `tests.benchmarks`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from brpnas.devices.intake.files import RawTable, check_path, read_raw

GOOD = "arch_id,latency_ms\na,1\nb,2\n"


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
    assert read(tmp_path, content) == RawTable(
        ("arch_id", "latency_ms"), (("a", "1"), ("b", "2")), (2, 3), 2
    )


def test_blank_lines_count_as_lines(tmp_path: Path) -> None:
    raw = read(tmp_path, "\n\narch_id,latency_ms\n\na,1\n  \n\nb,2\n\n")
    assert raw.lines == (5, 8)
    assert raw.total == 2


def test_a_row_of_empty_values_is_a_row(tmp_path: Path) -> None:
    raw = read(tmp_path, GOOD + ",\n")
    assert raw.rows[-1] == ("", "")
    assert raw.lines[-1] == 4


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
    assert raw.rows == (("a", "1"), ("d", "4"))
    assert raw.lines == (2, 5)
    assert raw.total == 4
    assert finding.rows == (3, 4)


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("b,2,", "a comma at the end"),
        ("b,4,31", "decimal comma"),
        ("(3, 3, 4, 1, 3, 1),2", "a tuple holds commas"),
        ("b;2", "separated by a semicolon or tab"),
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


@pytest.mark.parametrize("name", ["my-board", "Board_2", "a.b", "7x"])
def test_good_names(tmp_path: Path, name: str) -> None:
    assert check_path(tmp_path / f"{name}.csv") == []


@pytest.mark.parametrize("name", ["my board", "board (1)", "_x", "é", "-x"])
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
