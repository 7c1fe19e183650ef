"""Bytes and text of a file with any content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brpnas.tables.content import decode, read_bytes
from brpnas.tables.limits import MAX_BYTES, MAX_LINES


def test_text_with_and_without_a_mark() -> None:
    assert decode("größe".encode()) == ("größe", [])
    assert decode("größe".encode("utf-8-sig")) == ("größe", [])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04...", "spreadsheet"),
        (b"PAR1", "Parquet"),
        (b" \n<html>", "web page"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        ("a,b\n".encode("utf-16-be"), "UTF-16"),
        (b"aaaaaaaaaa\n\0", "NUL bytes"),
        ("a\nö".encode("latin-1"), "0xf6 is not UTF-8"),
    ],
)
def test_other_content_is_named(data: bytes, words: str) -> None:
    text, (finding,) = decode(data)
    assert text == ""
    assert words in finding.message
    assert finding.remedy


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name, what in (("pipe.csv", "a file"), (".", "folder"), ("none.csv", "missing")):
        data, (finding,) = read_bytes(tmp_path / name)
        assert data == b""
        assert what in finding.message


def test_lines_are_counted_before_they_are_split() -> None:
    for end in (b"\n", b"\r", b"\r\n"):
        text, (finding,) = decode(b"a" + end * (MAX_LINES + 1))
        assert (text, finding.kind) == ("", "too many lines")


def test_a_large_file_is_refused_by_its_size(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert read_bytes(tmp_path / "a.csv")[1][0].kind == "too many bytes"
