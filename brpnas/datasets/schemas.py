"""Schemas of the project's tables: columns, types, ranges, keys.

`ARCHITECTURES`, `ACCURACY`, `CURVES`, `LATENCY` and `OPERATIONS` are pandera schemas; `validate`
checks a table and reports the wrong rows in a sentence. Every table entering the project is
validated.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pandera.pandas as pa

from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.errors import ConfigurationError, SchemaError, did_you_mean
from brpnas.spaces.network import NetworkConfig

__all__ = [
    "ACCURACY",
    "ARCHITECTURES",
    "CURVES",
    "LATENCY",
    "MAX_LATENCY_MS",
    "MIN_LATENCY_MS",
    "OPERATIONS",
    "PRECISION_PATTERN",
    "accuracy_rows",
    "latency_rows",
    "stated_precision",
    "stated_size",
    "validate",
]

MIN_LATENCY_MS, MAX_LATENCY_MS = MEASURED[LATENCY_MS].least, MEASURED[LATENCY_MS].most
"""Bounds of a latency."""
PRECISION_PATTERN = r"^[a-z][a-z0-9._-]*$"
"""Pattern of a number format, such as ``fp32``, ``fp16``, ``int8``."""

_MOST = 1e9
_SHOWN = 5


def _text(pattern: str | None = None) -> pa.Column:
    if pattern is None:
        return pa.Column(str, pa.Check.str_length(min_value=1, error="must not be empty"))
    whole = f"{pattern.removesuffix('$')}\\Z"  # `$` also matches before a line break at the end
    return pa.Column(str, pa.Check.str_matches(whole, error=f"must match {pattern}"))


_WHOLE = pa.Check(
    lambda values: values.notna() | values.isna().all(),
    ignore_na=False,
    error="must be given in every row or in none",
)


def _size(*, every_row: bool = False) -> pa.Column:
    """Size of the networks, see `NetworkConfig.size`; optional."""
    wrong = "must be the size of a network, as `brpnas measure` writes it"
    checks = [pa.Check(_is_size, element_wise=True, error=wrong), *([_WHOLE] if every_row else [])]
    return pa.Column(str, checks, nullable=True, required=False)


def _precision() -> pa.Column:
    """Number format of the networks; optional."""
    form = pa.Check.str_matches(
        f"{PRECISION_PATTERN.removesuffix('$')}\\Z",
        error="must be a precision, such as fp32 or int8",
    )
    return pa.Column(str, [form, _WHOLE], nullable=True, required=False)


def stated_size(table: pd.DataFrame, origin: str = "The table of latencies") -> str | None:
    """Size of the networks in a table of latencies; None if it is missing.

    Args:
        table: Latencies of one device.
        origin: Name of the table, for errors.

    Raises:
        SchemaError: If there are several sizes, or only some rows have one.
    """
    return _stated(table, "network_size", "size", origin)


def stated_precision(table: pd.DataFrame, origin: str = "The table of latencies") -> str | None:
    """Precision of the networks in a table of latencies; None if it is missing.

    Args:
        table: Latencies of one device.
        origin: Name of the table, for errors.

    Raises:
        SchemaError: If there are several precisions, or only some rows have one.
    """
    return _stated(table, "precision", "precision", origin)


def _stated(table: pd.DataFrame, column: str, what: str, origin: str) -> str | None:
    if column not in table:
        return None
    values = table[column].drop_duplicates()
    found = [str(value) for value in values.dropna()]
    if len(found) > 1:
        raise SchemaError(
            f"{origin} has networks of {len(found)} {what}s, {found[0]!r} and {found[1]!r}, but a "
            f"device has one {what}: make a file with a separate name for each {what}."
        )
    if found and values.isna().any():
        raise SchemaError(
            f"{origin} gives the {what} of the networks in some rows only: if it is the same in "
            f"all, write {found[0]!r} into the column {column} of every row; otherwise make "
            "separate files."
        )
    return found[0] if found else None


def _is_size(text: str) -> bool:
    try:
        return NetworkConfig.of_size(text).size == text
    except ConfigurationError:
        return False


def _number(low: float, high: float, *, null: bool = False, kind: str = "float64") -> pa.Column:
    within = pa.Check.in_range(low, high, error=f"must be from {low:g} to {high:g}")
    return pa.Column(kind, within, nullable=null, coerce=True)


def _metric(name: str) -> pa.Column:
    """A metric of a network on the device; in every row or in none."""
    low, high = MEASURED[name].least, MEASURED[name].most
    within = pa.Check.in_range(low, high, error=f"must be from {low:g} to {high:g}")
    return pa.Column("float64", [within, _WHOLE], nullable=True, required=False, coerce=True)


def _figure() -> pa.Column:
    """A further figure of a network; optional, and null where it is unknown."""
    within = pa.Check.in_range(0, _MOST, error=f"must be from 0 to {_MOST:g}")
    return pa.Column("float64", within, nullable=True, required=False, coerce=True)


ARCHITECTURES = pa.DataFrameSchema(
    {
        "arch_id": _text(),
        "space": _text(),
        "isomorphism_id": _text(),
        "params_m": _number(0, 1e6, null=True),
        "flops_m": _number(0, 1e9, null=True),
    },
    name="architectures",
    strict=True,
    unique=["space", "arch_id"],
)
"""Architectures with isomorphism ids, parameters and multiply-adds in millions."""

ACCURACY = pa.DataFrameSchema(
    {
        "arch_id": _text(),
        "dataset": _text(r"^[a-z0-9][a-z0-9._-]*$"),
        "split": _text(r"^(valid|test)$"),
        "seed": _number(0, 2**63 - 1, null=True, kind="Int64"),
        "epochs": _number(1, 1e6, kind="int64"),
        "accuracy": _number(0, 1),
        "train_time_s": _number(0, 1e9, null=True),
        "network_size": _size(),
    },
    name="accuracy",
    strict=True,
    unique=["arch_id", "dataset", "split", "seed", "epochs"],
)
"""Accuracy as a fraction, one row per training run; ``seed`` is null for a published mean."""

CURVES = pa.DataFrameSchema(
    {
        "arch_id": _text(),
        "dataset": _text(r"^[a-z0-9][a-z0-9._-]*$"),
        "seed": _number(0, 2**63 - 1, kind="int64"),
        "epoch": _number(1, 1e6, kind="int64"),
        "accuracy": _number(0, 1),
    },
    name="curves",
    strict=True,
    unique=["arch_id", "dataset", "seed", "epoch"],
)
"""Learning curves: validation accuracy as a fraction after each epoch, counted from 1."""

LATENCY = pa.DataFrameSchema(
    {
        "arch_id": _text(),
        "device": _text(),
        "latency_ms": _number(MIN_LATENCY_MS, MAX_LATENCY_MS),
        "std_ms": _number(0, MAX_LATENCY_MS, null=True),
        "repeats": _number(1, 2**63 - 1, null=True, kind="Int64"),
        "network_size": _size(every_row=True),
        "precision": _precision(),
        "energy_mj": _metric("energy_mj"),
        "peak_memory_mib": _metric("peak_memory_mib"),
        "file_kib": _figure(),
    },
    name="latency",
    strict=True,
    unique=["arch_id", "device"],
)
"""Latency in ms of architectures on a device, and optionally the energy of a run in mJ, the peak
memory of its process in MiB, and the size of the network's files in KiB."""

OPERATIONS = pa.DataFrameSchema(
    {
        "device": _text(),
        "part": _text(),
        "stage": _number(0, 1e3, kind="int64"),
        "latency_ms": _number(0, MAX_LATENCY_MS),
        "std_ms": _number(0, MAX_LATENCY_MS, null=True),
        "cells_per_stage": _number(1, 1e6, kind="int64"),
        "executes_dead_ops": pa.Column(bool, coerce=True),
    },
    name="operations",
    strict=True,
    unique=["device", "part", "stage"],
)
"""Latency in ms of single operations, see `brpnas.predictors.layerwise`; the last two columns are
of their network."""


def latency_rows(
    arch_ids: npt.ArrayLike, device: str, latency_ms: npt.ArrayLike, *, origin: str
) -> pd.DataFrame:
    """A validated latency table of published means, without spread, sorted by ``arch_id``."""
    table = pd.DataFrame({"arch_id": arch_ids, "device": device, "latency_ms": latency_ms})
    table = table.astype({"arch_id": "str", "device": "str"}).assign(std_ms=np.nan, repeats=None)
    return validate(table.sort_values("arch_id"), LATENCY, origin=origin)


def accuracy_rows(
    arch_ids: npt.ArrayLike,
    dataset: str,
    split: str,
    accuracy: npt.ArrayLike,
    *,
    epochs: int,
    seeds: npt.ArrayLike | None = None,
    train_time_s: npt.ArrayLike = np.nan,
) -> pd.DataFrame:
    """Rows of an accuracy table, all of one data set and split.

    Args:
        arch_ids: Architecture of each row.
        dataset: The data set.
        split: ``valid`` or ``test``.
        accuracy: Accuracy of each row, a fraction.
        epochs: Epochs of all trainings.
        seeds: Seed of each row, or of all; without it they are published means.
        train_time_s: Seconds of each training.
    """
    columns = {"arch_id": arch_ids, "dataset": dataset, "split": split, "seed": seeds}
    columns |= {"epochs": epochs, "accuracy": accuracy, "train_time_s": train_time_s}
    words = dict.fromkeys(("arch_id", "dataset", "split"), "str")
    return pd.DataFrame(columns).astype({**words, "seed": "Int64"})


def validate(
    table: pd.DataFrame,
    schema: pa.DataFrameSchema,
    *,
    origin: str,
    rows: tuple[str, Sequence[int]] = ("row", ()),
) -> pd.DataFrame:
    """Check a table against its schema.

    Args:
        table: The table; its index is ignored.
        schema: One of those above.
        origin: Source of the table, for errors.
        rows: Name of a row in messages, and the number of each; by default counted from 0.

    Returns:
        The table with columns in the declared order and types, and rows numbered from 0.

    Raises:
        SchemaError: If it violates the schema; names the columns, the first rows and the reasons.
    """
    numbered = table.reset_index(drop=True)
    try:
        valid = schema.validate(numbered, lazy=True)
    except pa.errors.SchemaErrors as error:
        problems = _problems(error.failure_cases, schema, *rows)
        raise SchemaError(
            f"{origin} is not a valid table of kind {schema.name!r}: {'; '.join(problems)}. "
            "Correct or remove these and try again."
        ) from None
    ordered: pd.DataFrame = valid[[name for name in schema.columns if name in valid]]
    return ordered


def _problems(
    cases: pd.DataFrame, schema: pa.DataFrameSchema, word: str, numbers: Sequence[int]
) -> list[str]:
    found = []
    known = list(schema.columns)
    for kind, name in (("column_in_dataframe", "missing"), ("column_in_schema", "unknown")):
        for column in cases.loc[cases["check"] == kind, "failure_case"]:
            hint = did_you_mean(str(column), known) if name == "unknown" else ""
            found.append(f"{name} column {column!r}" + (f" ({hint.strip()})" if hint else ""))
    rows = cases[~cases["check"].isin(["column_in_dataframe", "column_in_schema"])]
    doubled = rows["check"] == "multiple_fields_uniqueness"
    if doubled.any():
        where = _rows(rows.loc[doubled, "index"], word, numbers)
        found.append(f"the key ({', '.join(schema.unique or ())}) comes more than once, in {where}")
    for (column, check), group in rows[~doubled].groupby(["column", "check"], sort=False):
        value = group["failure_case"].iloc[0]
        value = value.item() if isinstance(value, np.generic) else value
        found.append(
            f"{column} {_reason(str(check))}, not {value!r}, in "
            f"{_rows(group['index'], word, numbers)}"
        )
    return found


def _reason(check: str) -> str:
    if check == "not_nullable":
        return "must be given"
    for prefix in ("coerce_dtype(", "dtype("):
        if check.startswith(prefix):
            return f"must be of type {check.removeprefix(prefix).strip(chr(39) + ')')}"
    return check


def _rows(index: pd.Series, word: str, numbers: Sequence[int]) -> str:
    where = sorted(int(i) for i in index.dropna().unique())
    if not where:
        return "the whole column"
    shown = ", ".join(str(numbers[i] if numbers else i) for i in where[:_SHOWN])
    more = f" and {len(where) - _SHOWN:,} more" if len(where) > _SHOWN else ""
    return f"{word}{'s' * (len(where) > 1)} {shown}{more}"
