"""Bytes and text of a file, or the reason why they cannot be read."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from brpnas.tables.findings import Finding, error
from brpnas.tables.limits import MAX_BYTES, MAX_LINES, too_large

__all__ = ["decode", "read_bytes"]

_MAGIC = (
    (b"PK\x03\x04", "a zip archive or a spreadsheet (.xlsx)"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet (.xls)"),
    (b"PAR1", "Parquet"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"\x80", "a pickle"),
    (b"%PDF", "a PDF"),
    (b"SQLite", "a database"),
    (b"version https://git-lfs", "a pointer of Git LFS instead of the file"),
    (b"<", "a web page or XML"),
    (b"{", "JSON"),
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_RESAVE = "Export the table again as CSV with the encoding UTF-8."
_AGAIN = "Export the table again, or remove the file."


def read_bytes(path: Path, suffixes: Sequence[str] = ()) -> tuple[bytes, list[Finding]]:
    """The content of a file, or a finding.

    Args:
        path: The file.
        suffixes: Allowed suffixes; none for all.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        message = f"{path.suffix or 'no suffix'!r} is not one of {', '.join(suffixes)}."
        return b"", [error("file type", message, "Export the table as CSV or Parquet.")]
    if not path.is_file():
        what = "a folder" if path.is_dir() else "not a file" if path.exists() else "missing"
        message = f"the file is {what} (seen from {Path.cwd()})."
        return b"", [error("no file", message, "Give the path of an existing file.")]
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno())
            if not stat.S_ISREG(size.st_mode) or size.st_size > MAX_BYTES:
                return b"", [too_large("bytes", size.st_size, MAX_BYTES)]
            data = file.read(MAX_BYTES)
    except OSError as reason:
        message = f"the file cannot be read: {reason.strerror}."
        return b"", [error("unreadable file", message, "Make it readable for this user.")]
    empty = not data.strip()
    return data, [error("empty file", "the file is empty.", _AGAIN)] if empty else []


def decode(data: bytes) -> tuple[str, list[Finding]]:
    """The text of a file in UTF-8, or a finding."""
    lines = max(data.count(b"\n"), data.count(b"\r"))
    if lines > MAX_LINES:
        return "", [too_large("lines", lines, MAX_LINES)]
    begin = data[:4096].lstrip()
    for start, what in _MAGIC:
        if begin.startswith(start):
            message = f"the content is not CSV; it looks like {what}."
            return "", [error("not CSV", message, "Export the table itself as CSV.")]
    even, odd = data[::2].count(0), data[1::2].count(0)
    if data.startswith(_UTF_16) or max(even, odd) > len(data) // 4:
        message = "the text is not UTF-8; it looks like UTF-16, called Unicode by spreadsheets."
        return "", [error("encoding", message, _RESAVE)]
    if 0 in data:
        line = data[: data.index(0)].count(b"\n") + 1
        message = "there are NUL bytes; the file is damaged or not text."
        return "", [error("not CSV", message, "Export the table again as CSV.", [line])]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as reason:
        line = data[: reason.start].count(b"\n") + 1
        byte = f"0x{data[reason.start]:02x}"
        message = f"the byte {byte} is not UTF-8; it looks like Latin-1 (Windows-1252)."
        return "", [error("encoding", message, _RESAVE, [line])]
