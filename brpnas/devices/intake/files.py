"""From a file to cells of text with their line numbers, or to what is wrong with the file.

`read_raw` reads CSV and Parquet. It guesses nothing: a file in another encoding, with another
delimiter or with uneven rows is told, with the likely cause, so that no value is read as another.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from brpnas.devices.catalogue import NAME_PATTERN
from brpnas.devices.intake.columns import guess_delimiter, looks_like_data
from brpnas.devices.intake.findings import Finding, error
from brpnas.devices.intake.parquet import read_parquet

__all__ = ["SUFFIXES", "RawTable", "check_path", "read_raw"]

SUFFIXES = (".csv", ".parquet")
"""Kinds of file a device may come in."""

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


@dataclass(frozen=True)
class RawTable:
    """A table as it stands in a file, every value as text.

    Attributes:
        header: Names of the columns.
        rows: Values of each row, as many as there are columns.
        lines: Where each row stands, see `Finding.rows`.
        total: Rows in the file, uneven ones included.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    total: int


def check_path(path: Path) -> list[Finding]:
    """What is wrong with where the file lies and with its name, which is that of the device."""
    found = []
    if not re.match(NAME_PATTERN, path.stem):
        found.append(
            error(
                "file name",
                f"the file is named after its device, and {path.stem!r} is no name of one.",
                "Rename the file; use letters, digits, dots, hyphens and underscores.",
            )
        )
    twins = [
        file.name
        for file in (path.parent.iterdir() if path.parent.is_dir() else ())
        if file.stem == path.stem and file.suffix.lower() in SUFFIXES and file.name != path.name
    ]
    if twins and path.suffix.lower() in SUFFIXES:
        found.append(
            error(
                "two files",
                f"{', '.join(sorted(twins))} beside it is about the same device.",
                "Remove one of them, or give it the name of another device.",
            )
        )
    return found


def read_raw(path: Path) -> tuple[RawTable | None, list[Finding]]:
    """Read a file.

    Returns:
        The table, or None if there is nothing to look at further, and what is wrong with the file.
    """
    data, found = _read_bytes(path)
    if found:
        return None, found
    if path.suffix.lower() == ".parquet":
        header, rows, found = read_parquet(data)
        if not header:
            return None, found
        return RawTable(header, rows, tuple(range(1, len(rows) + 1)), len(rows)), found
    text, found = _decode(data)
    return (None, found) if found else _split(text)


def _read_bytes(path: Path) -> tuple[bytes, list[Finding]]:
    """The content of a file, or why there is none."""
    if path.suffix.lower() not in SUFFIXES:
        message = f"{path.suffix or 'no suffix'!r} is not one of {', '.join(SUFFIXES)}."
        return b"", [error("file type", message, "Export the table as CSV or Parquet.")]
    if not path.is_file():
        what = "a folder" if path.is_dir() else "missing"
        message = f"the file is {what} (seen from {Path.cwd()})."
        return b"", [error("no file", message, "Give the path of an existing file.")]
    try:
        data = path.read_bytes()
    except OSError as reason:
        message = f"the file cannot be read: {reason.strerror}."
        return b"", [error("unreadable file", message, "Make it readable for this user.")]
    empty = not data.strip()
    return data, [error("empty file", "the file is empty.", _AGAIN)] if empty else []


def _decode(data: bytes) -> tuple[str, list[Finding]]:
    """The text of a file, or why it is none."""
    for start, what in _MAGIC:
        if data.lstrip().startswith(start):
            message = f"the content is not CSV; it looks like {what}."
            return "", [error("not CSV", message, "Export the table itself as CSV.")]
    even, odd = data[::2].count(0), data[1::2].count(0)
    if data.startswith(_UTF_16) or max(even, odd) > len(data) // 4:
        message = "the text is not UTF-8; it looks like UTF-16, which spreadsheets call Unicode."
        return "", [error("encoding", message, _RESAVE)]
    if 0 in data:
        line = data[: data.index(0)].count(b"\n") + 1
        message = "there are NUL bytes; the file is damaged or is no text."
        return "", [error("not CSV", message, "Export the table again as CSV.", [line])]
    try:
        return data.decode("utf-8-sig"), []
    except UnicodeDecodeError as reason:
        line = data[: reason.start].count(b"\n") + 1
        byte = f"0x{data[reason.start]:02x}"
        message = f"the byte {byte} is not UTF-8; it looks like Latin-1 (Windows-1252)."
        return "", [error("encoding", message, _RESAVE, [line])]


def _split(text: str) -> tuple[RawTable | None, list[Finding]]:
    """Take CSV apart; blank lines are left out, and counted."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for record in reader:
            if any("\n" in value or "\r" in value for value in record):
                return None, [_quotes(start, "a quoted value goes over several lines")]
            if any(value.strip() for value in record) or len(record) > 1:
                records.append((start, record))
            start = reader.line_num + 1
    except csv.Error as reason:
        return None, [_quotes(start, str(reason))]
    if not records:
        return None, [error("empty file", "the file is empty.", _AGAIN)]
    (line, names), *body = records
    header = tuple(name.strip() for name in names)
    wrong = _wrong_header(line, names, body)
    if wrong:
        return None, wrong
    if not body:
        message = "there is a header and no row below it."
        remedy = "Add a row for each measured cell, or remove the file."
        return RawTable(header, (), (), 0), [error("no rows", message, remedy)]
    uneven = [(line, record) for line, record in body if len(record) != len(header)]
    even = [(line, record) for line, record in body if len(record) == len(header)]
    found = [_uneven(uneven, len(header))] if uneven else []
    rows = tuple(tuple(value.strip() for value in record) for _, record in even)
    return RawTable(header, rows, tuple(line for line, _ in even), len(body)), found


def _wrong_header(line: int, names: list[str], body: list[tuple[int, list[str]]]) -> list[Finding]:
    """Why the first line is no header, or not separated by commas."""
    first = names[0].strip()
    if first.startswith("#") or first.lower().startswith("sep="):
        message = f"the first line is {first!r}, where the names of the columns belong."
        return [error("no header", message, "Remove the lines above the header.", [line])]
    delimiter = guess_delimiter(names)
    if delimiter:
        found = [
            error(
                "delimiter",
                f"the columns are separated by {delimiter}, not by a comma.",
                "Export the table with the delimiter ',' and the decimal point '.'.",
                [line],
            )
        ]
        if any(len(record) > 1 for _, record in body):
            message = "values hold a comma; it is a decimal comma, or separates thousands."
            rows = [number for number, record in body if len(record) > 1]
            found.append(error("decimal comma", message, "Write 4.31, not 4,31.", rows))
        return found
    if looks_like_data(names):
        message = f"the first line is data: {', '.join(names)!r}."
        remedy = "Put the line arch_id,latency_ms above it."
        return [error("no header", message, remedy, [line])]
    return []


def _uneven(uneven: list[tuple[int, list[str]]], width: int) -> Finding:
    """Why some rows have more or fewer values than there are columns."""
    lines, (_, record) = [line for line, _ in uneven], uneven[0]
    message = f"{len(record)} value{'s' * (len(record) != 1)} where the header names {width}"
    remedy = "Give each row one value per column; an empty value still has its comma."
    last = ",".join(record[-2:])
    if len(record) >= width + 5 and re.match(r"[(\[]?\s*\w+$", record[0].strip()):
        message += "; a tuple holds commas."
        remedy = "Put tuples in double quotes, or write the six codes without commas: 334131."
    elif len(record) == width + 1 and not record[-1].strip():
        message += "; there is a comma at the end."
        remedy = "Remove the comma at the end."
    elif len(record) == width + 1 and re.fullmatch(r"\s*\d+,\d+\s*", last):
        message += f"; the latency {last} has a decimal comma, or one that separates thousands."
        remedy = "Write numbers with a decimal point, 4.31, and without separators."
    elif len(record) == 1 and re.search(r"[;\t]", record[0]):
        message += "; these rows are separated by a semicolon or tab."
        remedy = "Separate values by a comma in every line."
    else:
        message += "; the file may be cut off, or a value is missing or too many."
    return error("uneven rows", message, remedy, lines)


def _quotes(line: int, why: str) -> Finding:
    message = f"the double quotes do not match: {why}."
    return error("quotes", message, "Close every quoted value in its own line.", [line])
