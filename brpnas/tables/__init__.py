"""Users' tables, CSV or Parquet: read strictly, or refused with rows and remedies.

`read_raw` reads the declared `Column`s as text, `read_number` and `read_numbers` turn text into
numbers. A `Finding` is one problem or oddity; `check` raises an `IntakeError` with all of them.
`table_files` lists the tables of a folder.

No value is guessed: another encoding, delimiter or decimal sign is reported with its likely cause.
Sizes are checked before anything is read.
"""

from brpnas.tables.columns import CELL, Column
from brpnas.tables.files import RawTable, read_lines, read_raw
from brpnas.tables.findings import (
    Finding,
    check,
    error,
    quoted,
    refusal_text,
    row_word,
    rows_text,
    warning,
    warning_text,
)
from brpnas.tables.folder import SUFFIXES, check_place, table_files
from brpnas.tables.limits import MAX_ROWS
from brpnas.tables.numbers import read_number, read_numbers

__all__ = [
    "CELL",
    "MAX_ROWS",
    "SUFFIXES",
    "Column",
    "Finding",
    "RawTable",
    "check",
    "check_place",
    "error",
    "quoted",
    "read_lines",
    "read_number",
    "read_numbers",
    "read_raw",
    "refusal_text",
    "row_word",
    "rows_text",
    "table_files",
    "warning",
    "warning_text",
]
