"""Users' tables of a schema, beside those of the project.

`read_own_table` reads them strictly, like the intake of a device, and reports each problem with its
rows and remedy.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandas.api.types import is_bool_dtype, is_float_dtype, is_numeric_dtype

from brpnas.datasets.schemas import validate
from brpnas.spaces import SearchSpace
from brpnas.spaces.reading import read_column
from brpnas.tables import (
    CELL,
    Column,
    Finding,
    RawTable,
    check,
    check_place,
    error,
    read_numbers,
    read_raw,
    row_word,
    warning_text,
)
from brpnas.tables.numbers import examples

__all__ = ["columns_of", "read_own_table"]

_log = logging.getLogger(__name__)
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
_MOST = 2**63


def read_own_table(
    path: Path, schema: pa.DataFrameSchema, space: SearchSpace, what: str = "device"
) -> pd.DataFrame:
    """Read a user's table, CSV or Parquet.

    Cells may be in any notation of the space. Nullable columns are optional; unknown columns are
    logged and not read.

    Args:
        path: The file, named after the subject of the table.
        schema: Schema of the table, such as `LATENCY`.
        space: Space of the cells.
        what: Kind of the subject, for messages.

    Returns:
        The table, valid by the schema.

    Raises:
        IntakeError: If the file or a value cannot be read; the report names every problem.
        SchemaError: If a value is out of range, or a key is duplicated.
    """
    columns = columns_of(schema)
    found = check_place(path, what, valid=lambda name: name.isprintable(), links=True)
    check(path, found)
    raw, about = read_raw(path, columns)
    found += about
    table = pd.DataFrame()
    if raw is not None:
        table, about = _typed(raw, columns, schema, space)
        found += about
    check(path, found)
    if found:
        _log.warning("%s:\n%s", path, "\n".join(warning_text(found, row_word(path))))
    lines = () if raw is None else raw.lines
    return validate(table, schema, origin=str(path), rows=(row_word(path), lines))


def columns_of(schema: pa.DataFrameSchema) -> tuple[Column, ...]:
    """Columns of a schema; nullable ones are optional."""
    found = []
    for name, column in schema.columns.items():
        kind = column.dtype.type
        if name == CELL.name:
            found.append(CELL)
        elif is_bool_dtype(kind):
            found.append(Column(name, "flag", required=True))
        elif is_numeric_dtype(kind):
            found.append(Column(name, "number", required=not column.nullable))
        else:
            found.append(Column(name, required=not column.nullable))
    return tuple(found)


def _typed(
    raw: RawTable, columns: Sequence[Column], schema: pa.DataFrameSchema, space: SearchSpace
) -> tuple[pd.DataFrame, list[Finding]]:
    """The available columns in the types of the schema, and their problems."""
    table, found = pd.DataFrame(index=range(len(raw.lines))), list[Finding]()
    for column in columns:
        name, texts = column.name, raw.column(column.name)
        if name not in raw.texts and not schema.columns[name].required:
            continue
        if column.kind == "cell":
            values, about = read_column(texts, raw.lines, space.read)
            table[name] = pd.Series(values, dtype=object)
        elif column.kind == "number":
            may_miss = () if column.required else ("missing", "NaN")
            numbers, about = read_numbers(name, texts, raw.lines, may_miss=may_miss)
            table[name] = numbers
            if not is_float_dtype(schema.columns[name].dtype.type):
                about += _not_whole(name, numbers, texts, raw.lines)
                table[name] = _whole(numbers)
        elif column.kind == "flag":
            flags = [_FLAGS.get(text.lower()) for text in texts]
            wrong = [i for i, flag in enumerate(flags) if flag is None]
            message = f"{name} {examples([texts[i] for i in wrong])}: not true or false."
            where = [raw.lines[i] for i in wrong]
            about = [error(f"text as {name}", message, "Write true or false.", where)]
            about = about if wrong else []
            table[name] = pd.Series(flags, dtype=object)
        else:
            wrong = [i for i, text in enumerate(texts) if not text] if column.required else []
            where = [raw.lines[i] for i in wrong]
            about = [error(f"missing {name}", f"{name} is empty.", "Fill it in.", where)]
            about = about if wrong else []
            table[name] = pd.Series([text or None for text in texts], dtype=object)
        found += about if name in raw.texts else []
    words = [c.name for c in columns if c.kind in ("text", "cell") and c.name in table]
    return table.astype(dict.fromkeys(words, str)), found


def _not_whole(
    name: str, numbers: Sequence[float], texts: Sequence[str], lines: Sequence[int]
) -> list[Finding]:
    """Fractions and numbers too large in a column of whole numbers."""
    wrong = [i for i, n in enumerate(numbers) if n == n and not (n.is_integer() and n < _MOST)]  # noqa: PLR0124
    if not wrong:
        return []
    message = f"{name} {examples([texts[i] for i in wrong])}: not a whole number."
    remedy = "Write a whole number, or correct the row."
    return [error(f"fraction as {name}", message, remedy, [lines[i] for i in wrong])]


def _whole(numbers: Sequence[float]) -> pd.api.extensions.ExtensionArray:
    fit = [int(n) if np.isfinite(n) and n.is_integer() and n < _MOST else None for n in numbers]
    return pd.array(fit, dtype="Int64")
