"""A device's file, read into a checked table of latencies or refused with a report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.datasets.schemas import LATENCY, validate
from brpnas.devices.intake.columns import COLUMNS, REQUIRED
from brpnas.devices.intake.files import check_path
from brpnas.devices.intake.metrics import check_metrics
from brpnas.devices.intake.notation import OTHER_NOTATION, check_notation
from brpnas.devices.intake.rows import read_rows
from brpnas.devices.intake.values import check_values
from brpnas.spaces import SearchSpace, size_of
from brpnas.tables import (
    MAX_ROWS,
    Finding,
    RawTable,
    check,
    error,
    read_raw,
    row_word,
    warning,
    warning_text,
)

__all__ = ["DROPPABLE", "LEAST_ROWS", "Intake", "intake_report", "read_device_table"]

LEAST_ROWS = 5
"""A predictor cannot be learnt from fewer."""
LEAST_LIMIT = 1_000
"""Most rows of a file for a small space; for a large space twice its number of cells."""
DROPPABLE = ("impossible latency", "outlier")
"""Kinds of finding whose rows `read_device_table` can drop."""


@dataclass(frozen=True)
class Intake:
    """An accepted file of latencies.

    Attributes:
        table: The latencies by the schema `LATENCY`, in order of ``arch_id``.
        device: Name of the device and of the file.
        findings: Warnings.
        path: The file.
    """

    table: pd.DataFrame
    device: str
    findings: tuple[Finding, ...]
    path: Path


class AcceptanceRules(NamedTuple):
    """Acceptance rules for a file, see `read_device_table`."""

    least: int
    unit_check: bool
    drop: bool


def read_device_table(
    path: Path,
    space: SearchSpace,
    *,
    least: int = LEAST_ROWS,
    unit_check: bool = True,
    drop: bool = False,
    notation: str | None = None,
) -> Intake:
    """Read the latencies of a user's device from a CSV or Parquet file.

    Columns are ``arch_id`` (any notation of `SearchSpace.read`), ``latency_ms``, and optionally
    ``energy_mj`` and ``peak_memory_mib`` (in every row or in none), ``std_ms``, ``repeats``,
    ``device``, ``network_size`` (`NetworkConfig.size`) and ``precision``.
    The name of the file is the name of the device. Nothing is written, guessed or silently left
    out.

    Args:
        path: The file, ``<device>.csv`` or ``<device>.parquet``.
        space: Space of the cells.
        least: Minimum number of cells.
        unit_check: Whether to refuse a median that looks like seconds or microseconds. Switch it
            off for a device slower or faster than all known ones.
        drop: Leave out rows with an impossible latency or an outlier, with a warning, instead of
            refusing the file; for published tables.
        notation: Notation of the cells, see `SearchSpace.reader`. None reads the notations of the
            space and reports latencies that fit another one better.

    Raises:
        IntakeError: If anything is wrong. The message reports each problem with its rows, likely
            cause and remedy; ``findings`` holds them.
    """
    found, table = check_path(path), pd.DataFrame()
    if not any(finding.kind == "symbolic link" for finding in found):
        most = min(MAX_ROWS, max(LEAST_LIMIT, 2 * size_of(space)))
        raw, about = read_raw(path, COLUMNS, most=most)
        found += about
        if raw is not None:
            rules = AcceptanceRules(least, unit_check, drop)
            table, about = _read(raw, space, path, rules, notation)
            found += about
    found.sort(key=lambda finding: finding.kind != OTHER_NOTATION)
    check(path, found)
    table = table.assign(device=path.stem, arch_id=table["arch_id"].astype(str))
    table = table.sort_values("arch_id")
    valid = validate(
        table[[name for name in LATENCY.columns if name in table]], LATENCY, origin=str(path)
    )
    return Intake(valid, path.stem, tuple(found), path)


def intake_report(intake: Intake) -> str:
    """Summary of an accepted file: cells, range and median of each metric, then each warning."""
    values = intake.table["latency_ms"]
    flags = warning_text(intake.findings, row_word(intake.path))
    lines = [
        f"{intake.path} is accepted as the device {intake.device}: {len(values):,} cells, "
        f"{values.min():.4g} to {values.max():.4g} ms, median {values.median():.4g} ms. "
        f"{_others(intake.table)}{_networks(intake.table)}"
    ]
    return "\n".join([*lines, *(["Flagged:", *flags] if flags else [])])


def _others(table: pd.DataFrame) -> str:
    """Range and median of each metric besides latency."""
    return "".join(
        f"{metric.title}: {table[name].min():.4g} to {table[name].max():.4g} {metric.unit}, median "
        f"{table[name].median():.4g} {metric.unit}. "
        for name, metric in MEASURED.items()
        if name != LATENCY_MS and name in table
    )


def _networks(table: pd.DataFrame) -> str:
    size = (
        f"Networks: {table['network_size'].iloc[0]}."
        if "network_size" in table
        else "No column network_size: the networks are taken to be of the published size."
    )
    return size + (f" Precision: {table['precision'].iloc[0]}." if "precision" in table else "")


def _read(
    raw: RawTable, space: SearchSpace, path: Path, rules: AcceptanceRules, notation: str | None
) -> tuple[pd.DataFrame, list[Finding]]:
    """Remaining rows, and the problems of rows and values."""
    rows, found = read_rows(raw, space.reader(notation), path.stem, row_word(path))
    if raw.total > size_of(space):
        message = f"there are {raw.total:,} rows, and {space.name} has {size_of(space):,} cells."
        found.append(error("too many rows", message, "Keep one row per cell."))
    if not set(REQUIRED) <= set(raw.texts):
        return rows, found
    sound = rows[rows["sound"]]
    odd = check_values(sound, space, unit_check=rules.unit_check)
    odd += check_metrics(sound, unit_check=rules.unit_check)
    if rules.drop:
        odd = [_dropped(finding) if finding.kind in DROPPABLE else finding for finding in odd]
    found += odd
    gone = {line for finding in odd if finding.kind in DROPPABLE for line in finding.rows}
    left = sound[~sound["line"].isin(gone)]
    if notation is None:
        values = left["latency_ms"].to_numpy(np.float64)
        found += check_notation(left["text"].tolist(), left["line"].tolist(), values, space)
    message = f"{len(left)} of {raw.total} rows are sound; at least {rules.least} are needed."
    others_refuse = any(f.severity == "error" for f in found) or len(raw.lines) < raw.total
    if raw.total < rules.least or (len(left) < rules.least and not others_refuse):
        found.append(error("too few rows", message, "Measure more cells."))
    elif 0 < len(left) < rules.least:
        found.append(warning("too few sound rows", message, "Correct rows, do not remove them."))
    return left, found


def _dropped(finding: Finding) -> Finding:
    message = f"left out on request: {finding.message}"
    return replace(finding, severity="warning", message=message)
