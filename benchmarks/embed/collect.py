"""Validated tables of a workspace, and every figure of their datasheet.

A latency table counts only with its journal, the record of device, time, settings and drift. Every
figure that can be computed here is computed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import (
    ACCURACY,
    EMBEDDED_DATASETS,
    LATENCY,
    OPERATIONS,
    list_architectures,
    validate,
)
from brpnas.datasets.noise import agreement, repeat_noise, seed_noise
from brpnas.devices import Device, load_devices
from brpnas.errors import SchemaError, SourceError
from brpnas.measure.drift import Drift
from brpnas.metrics import spearman

__all__ = ["CITATION", "LICENCE", "Collected", "collect"]

LICENCE = "Apache-2.0"
CITATION = "NB201-Digits and CPU latencies of the brpnas project, brpnas/datasets/embedded"
_PREFIX = "local-"
"""Prefix of names made by `measure` for a user's device."""


@dataclass(frozen=True, eq=False)
class Collected:
    """Content of the embedded benchmark.

    Args:
        accuracy: Accuracy table of the trained cells.
        latency: Latency table of each device, by its embedded name.
        operations: Table of single operations, of all devices with measurements.
        devices: Catalogue entry of each device.
        facts: Figures of the datasheet (JSON types).
    """

    accuracy: pd.DataFrame
    latency: dict[str, pd.DataFrame]
    operations: pd.DataFrame
    devices: list[Device]
    facts: dict[str, Any]


def collect(workspace: Path, *, trained: str, again: Path | None = None) -> Collected:
    """Read and check a workspace.

    Args:
        workspace: Folder with the outputs of `measure` and `train_candidates`.
        trained: Time and machine of the training.
        again: Folder of second measurements, as tables of the same names.

    Raises:
        SourceError: If a table, a report or a journal is missing.
        SchemaError: If they contradict one another, or a table is invalid.
    """
    (dataset,) = EMBEDDED_DATASETS
    raw = workspace / "01_raw"
    accuracy = _table(raw / "trained" / f"{dataset}.parquet", ACCURACY)
    accuracy = accuracy.sort_values(["split", "arch_id", "seed"], ignore_index=True)
    report = json.loads(
        _existing(workspace / "08_reporting" / "train_candidates_report.json").read_text("utf-8")
    )
    entries = load_devices(_existing(raw / "measured" / "devices.yml"))
    journals = list(_journals(workspace))
    latency: dict[str, pd.DataFrame] = {}
    operations: list[pd.DataFrame] = []
    devices: list[Device] = []
    measured: dict[str, Any] = {}
    for file in sorted((raw / "measured").glob("*.parquet")):
        if file.stem not in entries:
            raise SourceError(f"{file.with_name('devices.yml')} does not describe {file.stem!r}.")
        name = file.stem.removeprefix(_PREFIX)
        table = _table(file, LATENCY).sort_values("arch_id", ignore_index=True)
        second = again / file.name if again is not None else None
        journal = _journal_of(table, file, journals)
        measured[name] = _latency_facts(table, journal) | {
            "again": agreement(table, _table(second, LATENCY))
            if second is not None and second.exists()
            else None
        }
        latency[name] = _renamed(table, name)
        alone = raw / "measured" / "operations" / file.name
        if alone.exists():
            parts = _table(alone, OPERATIONS)
            _require_journal(parts, alone, journal[1])
            operations.append(_renamed(parts, name))
        measured[name]["operations"] = len(operations[-1]) if alone.exists() else 0
        devices.append(entries[file.stem].model_copy(update={"name": name, "licence": LICENCE}))
    if not latency:
        raise SourceError(f"There is no latency table in {raw / 'measured'}: run measure first.")
    facts = {
        "licence": LICENCE,
        "citation": CITATION,
        "accuracy": _accuracy_facts(accuracy, dataset, report) | {"trained": trained},
        "latency": measured,
    }
    if not operations:
        raise SourceError(f"There are no operations in {raw / 'measured'}: measure them too.")
    together = pd.concat(operations, ignore_index=True)
    return Collected(accuracy, latency, together, devices, facts)


def _accuracy_facts(table: pd.DataFrame, dataset: str, report: dict[str, Any]) -> dict[str, Any]:
    valid = table[table["split"] == "valid"]
    test = table[table["split"] == "test"]
    if report["dataset"] != dataset or report["trained"] != len(valid) or len(valid) != len(test):
        raise SchemaError(
            f"The report of train_candidates counts {report['trained']} trainings on "
            f"{report['dataset']!r}, but the table has {len(valid)} validation and {len(test)} "
            f"test rows on {dataset!r}. Run the stage again, so that both are of one run."
        )
    seeds = valid.groupby("arch_id")["seed"].nunique()
    functions = list_architectures().set_index("arch_id")["isomorphism_id"]
    noise = {split: seed_noise(table, dataset, split) for split in ("valid", "test")}
    means = valid.groupby("arch_id")["accuracy"].mean()
    both = valid.merge(test, on=["arch_id", "seed"], suffixes=("", "_test"))
    return {
        "dataset": dataset,
        "rows": len(table),
        "cells": len(seeds),
        "functions": int(functions.loc[seeds.index].nunique()),
        "trainings": len(valid),
        "failed": len(report["failed"]),
        "cells_by_seeds": {str(n): int((seeds >= n).sum()) for n in sorted(set(seeds))},
        "epochs": int(table["epochs"].iloc[0]),
        "accuracy": {split: _range(part["accuracy"]) for split, part in table.groupby("split")},
        "train_time_s": _range(valid["train_time_s"]),
        "train_time_h": float(valid["train_time_s"].sum() / 3600),
        "images": {key: report["images"][key] for key in ("digest", "input_shape", "rows")},
        "classes": len(report["images"]["label_names"]),
        "settings": report["settings"],
        "noise": noise,
        "within_noise_of_best": int((means > means.max() - noise["valid"]["sd"]).sum()),
        "valid_to_test_spearman": spearman(both["accuracy"], both["accuracy_test"]),
    }


def _latency_facts(table: pd.DataFrame, journal: tuple[dict[str, Any], pd.DataFrame]) -> Any:
    task, rows = journal
    cells = rows[(rows["event"] == "cell") & rows["arch_id"].isin(table["arch_id"])]
    references = rows.loc[rows["event"] == "reference", "latency_ms"]
    return {
        "cells": len(table),
        "latency_ms": _range(table["latency_ms"]),
        "first": str(rows["time"].min()),
        "last": str(rows["time"].max()),
        "load_at_start": {
            "median": float(cells["load"].median()),
            "max": float(cells["load"].max()),
        },
        "drift": asdict(Drift.of(references.tolist())),
        "repeats": repeat_noise(table),
        "machine": task["machine"],
        "settings": task["settings"],
    }


def _journals(workspace: Path) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Task and rows of every measurement below the workspace."""
    places = (workspace / "07_model_output" / "store", workspace / "01_raw" / "measured")
    for path in sorted(file for place in places for file in place.glob("*.jsonl")):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        whole = [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be torn
        if whole and "machine" in whole[0].get("fingerprint", {}):
            yield whole[0]["fingerprint"], pd.DataFrame(whole[1:])


def _journal_of(
    table: pd.DataFrame, file: Path, journals: list[tuple[dict[str, Any], pd.DataFrame]]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The journal with exactly these latencies."""
    for task, rows in journals:
        if rows.empty:
            continue
        cells = rows[rows["event"] == "cell"].drop_duplicates("arch_id", keep="last")
        known = cells.set_index("arch_id")["latency_ms"].reindex(table["arch_id"])
        if np.array_equal(known.to_numpy(), table["latency_ms"].to_numpy()):
            return task, rows
    raise SourceError(
        f"No journal holds the latencies of {file}, so their measurement is unknown. "
        "Keep 07_model_output/store of the environment of the measurement."
    )


def _require_journal(operations: pd.DataFrame, file: Path, rows: pd.DataFrame) -> None:
    known = rows[rows["event"] == "operation"].drop_duplicates(["part", "stage"], keep="last")
    both = operations.merge(known, on=["part", "stage"], how="left", suffixes=("", "_journal"))
    if not both["latency_ms"].equals(both["latency_ms_journal"]):
        raise SourceError(f"{file} holds other latencies than the journal of its device.")


def _renamed(table: pd.DataFrame, device: str) -> pd.DataFrame:
    return table.assign(device=pd.Series([device] * len(table), dtype="str"))


def _range(values: pd.Series) -> dict[str, float]:
    return {
        "min": float(values.min()),
        "median": float(values.median()),
        "max": float(values.max()),
    }


def _table(path: Path, schema: Any) -> pd.DataFrame:
    return validate(pd.read_parquet(_existing(path)), schema, origin=str(path))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise SourceError(
            f"There is no {path}: run train_candidates and measure in that environment first."
        )
    return path
