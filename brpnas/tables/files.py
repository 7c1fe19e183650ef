"""Reading a file into columns of text with line numbers, or into its problems."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brpnas.tables.columns import Column, guess_delimiter, looks_like_data, match_columns
from brpnas.tables.content import decode, read_bytes
from brpnas.tables.findings import Finding, error, quoted
from brpnas.tables.folder import SUFFIXES
from brpnas.tables.limits import MAX_COLUMNS, MAX_ROWS, MAX_TEXT, MAX_VALUES, too_large
from brpnas.tables.parquet import read_parquet

__all__ = ["RawTable", "read_lines", "read_raw"]

Record = tuple[int, list[str]]


@dataclass(frozen=True)
class RawTable:
    """The known columns of a file as text.

    Attributes:
        texts: Values of each known column, without uneven rows.
        lines: Position of each row, see `Finding.rows`.
        total: Number of rows in the file, uneven ones included.
    """

    texts: Mapping[str, Sequence[str]]
    lines: tuple[int, ...]
    total: int

    def column(self, name: str) -> Sequence[str]:
        """Values of a column; empty texts if it is missing."""
        return self.texts.get(name, [""] * len(self.lines))


def read_raw(
    path: Path, columns: Sequence[Column], *, most: int = MAX_ROWS
) -> tuple[RawTable | None, list[Finding]]:
    """Read the known columns of a CSV or Parquet file.

    Args:
        path: The file.
        columns: Known columns.
        most: Largest number of rows; a file with more is not read.

    Returns:
        The table, or None if it cannot be checked further, and the problems of the file.
    """
    data, found = read_bytes(path, SUFFIXES)
    if found:
        return None, found
    if path.suffix.lower() == ".parquet":
        header, texts, found = read_parquet(data, columns, most)
        if not header:
            return None, found
        found += match_columns(header, columns)[1]
        count = len(next(iter(texts.values()), ()))
        table = RawTable(texts, tuple(range(1, count + 1)), count)
    else:
        text, found = decode(data)
        if found:
            return None, found
        split, found = _split(text, columns, most)
        if split is None:
            return None, found
        table = split
    found += _long(table)
    broken = any(finding.kind in ("duplicate column", "long value") for finding in found)
    return (None if broken else table), found


def read_lines(path: Path) -> tuple[list[tuple[int, str]], list[Finding]]:
    """Lines of a text file with their numbers, without blank lines and comments (``#``)."""
    data, found = read_bytes(path)
    if found:
        return [], found
    text, found = decode(data)
    lines = [
        (number, line.strip())
        for number, line in enumerate(re.split("\r\n|\r|\n", text), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if len(lines) > MAX_ROWS:
        return [], [too_large("rows", len(lines), MAX_ROWS)]
    table = RawTable({"line": [line for _, line in lines]}, tuple(n for n, _ in lines), len(lines))
    return lines, found + _long(table)


def _long(table: RawTable) -> list[Finding]:
    """Values too long for a name or number."""
    found = []
    for name, texts in table.texts.items():
        rows = [i for i, text in enumerate(texts) if len(text) > MAX_TEXT]
        if rows:
            message = (
                f"{name} {quoted(texts[rows[0]], 40)}; a value has {MAX_TEXT:,} characters at most."
            )
            remedy = "Correct the value, or remove the row."
            found.append(error("long value", message, remedy, [table.lines[i] for i in rows]))
    return found


def _split(
    text: str, columns: Sequence[Column], most: int
) -> tuple[RawTable | None, list[Finding]]:
    """Parse CSV; blank lines are skipped but counted."""
    records, found = _records(text, most)
    if found:
        other = _other_delimiter(text, columns) if found[0].kind == "quotes" else []
        return None, other or found
    (line, names), *body = records
    header = tuple(name.strip() for name in names)
    wrong = _wrong_header(line, names, body, columns)
    if wrong:
        return None, wrong
    places, found = match_columns(header, columns)
    if not body:
        message = "there is a header but no row below it."
        remedy = "Add a row for each measured cell, or remove the file."
        return None, [error("no rows", message, remedy), *found]
    uneven = [(line, record) for line, record in body if len(record) != len(header)]
    even = [(line, record) for line, record in body if len(record) == len(header)]
    if uneven:
        found.insert(0, _uneven(uneven, len(header)))
    texts = {name: [record[i].strip() for _, record in even] for name, i in places.items()}
    return RawTable(texts, tuple(line for line, _ in even), len(body)), found


def _records(text: str, most: int) -> tuple[list[Record], list[Finding]]:
    """Header and allowed rows, or the reason why the text is not a table.

    Rows of empty values at the end, as in exports of spreadsheets, are left out.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records: list[Record] = []
    start, values = 1, 0
    try:
        for record in reader:
            if any("\n" in value or "\r" in value for value in record):
                return [], [_quotes(start, "a quoted value goes over several lines")]
            if any(value.strip() for value in record) or len(record) > 1:
                records.append((start, record))
                values += len(record)
            start = reader.line_num + 1
            large = _too_large(len(record), len(records) - 1, values, most)
            if large:
                return [], large
    except csv.Error as reason:
        if "field limit" not in str(reason):
            return [], [_quotes(start, str(reason))]
        message = f"a value has more than {MAX_TEXT:,} characters."
        return [], [error("long value", message, "Correct the value, or remove the row.", [start])]
    while len(records) > 1 and not any(value.strip() for value in records[-1][1]):
        records.pop()
    empty = error("empty file", "the file is empty.", "Export the table again, or remove the file.")
    return records, [] if records else [empty]


def _too_large(columns: int, rows: int, values: int, most: int) -> list[Finding]:
    """The first size above its limit."""
    if columns > MAX_COLUMNS:
        return [too_large("columns", columns, MAX_COLUMNS)]
    if rows > most:
        return [too_large("rows", rows, most, at_least=True)]
    if values > MAX_VALUES:
        return [too_large("values", values, MAX_VALUES, at_least=True)]
    return []


def _other_delimiter(text: str, columns: Sequence[Column]) -> list[Finding]:
    """Another delimiter between quoted values, the likely cause of quotes that seem wrong."""
    lines = re.split("\r\n|\r|\n", text[: MAX_COLUMNS * MAX_TEXT])
    line, header = next((i, line) for i, line in enumerate(lines, start=1) if line.strip())
    header = header.replace('"', "")
    delimiter = "" if "," in header else guess_delimiter([header], columns)
    return [_delimiter(line, delimiter)] if delimiter else []


def _delimiter(line: int, words: str) -> Finding:
    message = f"the columns are separated by {words}, not by a comma."
    remedy = "Export the table with the delimiter ',' and the decimal point '.'."
    return error("delimiter", message, remedy, [line])


def _wrong_header(
    line: int, names: list[str], body: list[Record], columns: Sequence[Column]
) -> list[Finding]:
    """Problems of the first line: not a header, or not separated by commas."""
    first = names[0].strip()
    if first.startswith("#") or first.lower().startswith("sep="):
        message = f"the first line is {quoted(first)} instead of the names of the columns."
        return [error("no header", message, "Remove the lines above the header.", [line])]
    delimiter = guess_delimiter(names, columns)
    if delimiter:
        found = [_delimiter(line, delimiter)]
        if any(len(record) > 1 for _, record in body):
            message = "values hold a comma; it is a decimal comma, or separates thousands."
            rows = [number for number, record in body if len(record) > 1]
            found.append(error("decimal comma", message, "Write 4.31, not 4,31.", rows))
        return found
    named = any(c.meant_by(name) for c in columns if c.required for name in names)
    if looks_like_data(names) and not named:
        message = f"the first line is data: {quoted(', '.join(names))}."
        above = ",".join(column.name for column in columns if column.required)
        return [error("no header", message, f"Put the line {above} above it.", [line])]
    return []


def _uneven(uneven: list[Record], width: int) -> Finding:
    """Rows with more or fewer values than columns, with the likely cause."""
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
        message += f"; the value {last} has a decimal comma, or a comma between thousands."
        remedy = "Write numbers with a decimal point, 4.31, and without separators."
    elif len(record) == 1 and re.search(r"[;\t]", record[0]):
        message += "; these rows are separated by a semicolon or tab."
        remedy = "Separate values by a comma in every line."
    elif len(record) > width:
        message += "; a value holds a comma, or there is one too many."
        remedy = "Put text with commas in double quotes. Give each row one value per column."
    else:
        message += "; the file may be cut off, or a value is missing."
    return error("uneven rows", message, remedy, lines)


def _quotes(line: int, why: str) -> Finding:
    message = f"the double quotes do not match: {why}."
    return error("quotes", message, "Close every quoted value in its own line.", [line])
