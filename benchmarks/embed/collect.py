"""Validated tables of a workspace, and every figure of their datasheet.

A latency table needs its journal, the record of device, time, settings, versions and drift.
`collect` makes the whole benchmark from a workspace. `extend` adds the devices of a workspace to a
benchmark, `replace_curves` the learning curves of another training; the rest stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import (
    ACCURACY,
    CURVES,
    EMBEDDED_DATASETS,
    LATENCY,
    OPERATIONS,
    embedded_devices,
    embedded_facts,
    list_architectures,
    read_embedded_accuracy,
    read_embedded_curves,
    read_embedded_latency,
    read_embedded_operations,
    validate,
)
from brpnas.datasets.curves import curve_figures
from brpnas.datasets.noise import agreement, repeat_noise, seed_noise
from brpnas.devices import Device, load_devices
from brpnas.errors import SchemaError, SourceError
from brpnas.measure.drift import Drift
from brpnas.metrics import spearman

__all__ = ["CITATION", "LICENCE", "Collected", "collect", "extend", "replace_curves"]

LICENCE = "Apache-2.0"
CITATION = "NB201-Digits and CPU latencies of the brpnas project, brpnas/datasets/embedded"
_PREFIX = "local-"
"""Prefix of names made by `measure` for a user's device."""
_FIGURES = ("peak_memory_mib", "file_kib", "energy_mj")


@dataclass(frozen=True, eq=False)
class Collected:
    """Content of the embedded benchmark.

    Args:
        accuracy: Accuracy table of the trained cells.
        curves: Their learning curves, at least one of each cell.
        latency: Latency table of each device, by its embedded name.
        operations: Table of single operations, of all devices with measurements.
        devices: Catalogue entry of each device.
        facts: Figures of the datasheet (JSON types).
    """

    accuracy: pd.DataFrame
    curves: pd.DataFrame
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
    accuracy = _table(workspace / "01_raw" / "trained" / f"{dataset}.parquet", ACCURACY)
    accuracy = accuracy.sort_values(["split", "arch_id", "seed"], ignore_index=True)
    curves = _curves(workspace, accuracy)
    report = json.loads(
        _existing(workspace / "08_reporting" / "train_candidates_report.json").read_text("utf-8")
    )
    facts = {
        "licence": LICENCE,
        "citation": CITATION,
        "accuracy": _accuracy_facts(accuracy, dataset, report) | {"trained": trained},
        "curves": curve_figures(curves) | {"trained": trained},
        "latency": {},
    }
    nothing = pd.DataFrame(columns=["device"])
    return _with(Collected(accuracy, curves, {}, nothing, [], facts), workspace, again)


def extend(
    workspace: Path, folder: Path, catalogue: Path, *, again: Path | None = None
) -> Collected:
    """Add the devices of a workspace to a benchmark, or replace those of the same names.

    Args:
        workspace: Folder with the outputs of `measure` or ``brpnas kit read``.
        folder: Folder of the benchmark.
        catalogue: The catalogue with its devices.
        again: Folder of second measurements, as tables of the same names.

    Raises:
        SourceError: If a table or a journal is missing, or the benchmark is incomplete.
        SchemaError: If they contradict one another, or a table is invalid.
    """
    return _with(_shipped(folder, catalogue, read_embedded_curves(folder)), workspace, again)


def replace_curves(workspace: Path, folder: Path, catalogue: Path, *, trained: str) -> Collected:
    """Give a benchmark the learning curves of a workspace.

    Args:
        workspace: Folder with the outputs of `train_candidates`.
        folder: Folder of the benchmark.
        catalogue: The catalogue with its devices.
        trained: Time and machine of the training.

    Raises:
        SourceError: If the table is missing, or the benchmark is incomplete.
        SchemaError: If the curves end at other accuracies than those of the benchmark, or lack a
            cell.
    """
    curves = _curves(workspace, read_embedded_accuracy(folder))
    before = _shipped(folder, catalogue, curves)
    return replace(
        before, facts=before.facts | {"curves": curve_figures(curves) | {"trained": trained}}
    )


def _shipped(folder: Path, catalogue: Path, curves: pd.DataFrame) -> Collected:
    """A benchmark as it is, with these curves."""
    facts = embedded_facts(folder)
    names, entries = embedded_devices(folder), load_devices(catalogue)
    for place, known in (("facts.json", facts["latency"]), (str(catalogue), entries)):
        lacking = sorted(set(names) - set(known))
        if lacking:
            raise SourceError(f"{place} does not describe {lacking[0]!r} of {folder}.")
    return Collected(
        read_embedded_accuracy(folder),
        curves,
        {name: read_embedded_latency(name, folder) for name in names},
        read_embedded_operations(folder),
        [entries[name] for name in names],
        facts | {"latency": {name: facts["latency"][name] for name in names}},
    )


def _curves(workspace: Path, accuracy: pd.DataFrame) -> pd.DataFrame:
    """The learning curves of a workspace, which end at the given accuracies.

    Raises:
        SchemaError: If they do not, or lack a cell.
    """
    (dataset,) = EMBEDDED_DATASETS
    path = workspace / "07_model_output" / "curves" / f"{dataset}.parquet"
    curves = _table(path, CURVES).sort_values(["arch_id", "seed", "epoch"], ignore_index=True)
    key = ["arch_id", "seed"]
    known = accuracy[accuracy["split"] == "valid"].set_index(key)["accuracy"]
    last = curves.groupby(key)["accuracy"].last()
    other = last[last != known.reindex(last.index)]
    lacking = sorted(set(accuracy["arch_id"]) - set(curves["arch_id"]))
    if len(other) or lacking:
        first = other.index[0] if len(other) else lacking[0]
        raise SchemaError(
            f"{path} and the accuracies disagree: {len(other):,} curves end at another accuracy, "
            f"and {len(lacking):,} cells have no curve. The first is {first}. Take both from one "
            "training, or finish the training."
        )
    return curves


@dataclass(frozen=True, eq=False)
class _Measured:
    """Catalogue entry, tables and facts of one device, by its embedded name."""

    device: Device
    latency: pd.DataFrame
    operations: pd.DataFrame | None
    facts: dict[str, Any]


def _with(before: Collected, workspace: Path, again: Path | None) -> Collected:
    """Content with the devices of a workspace, sorted by name; one of the same name is replaced."""
    new = {one.device.name: one for one in _measured(workspace, again)}
    kept = before.operations[~before.operations["device"].isin(new)]
    operations = [kept] if len(kept) else []
    operations += [one.operations for one in new.values() if one.operations is not None]
    if not operations:
        raise SourceError(
            f"There are no operations in {workspace / '01_raw' / 'measured'}: measure them too."
        )
    together = pd.concat(operations, ignore_index=True)
    entries = {device.name: device for device in before.devices}
    entries |= {name: one.device for name, one in new.items()}
    facts = before.facts["latency"] | {name: one.facts for name, one in new.items()}
    latency = before.latency | {name: one.latency for name, one in new.items()}
    return replace(
        before,
        latency={name: latency[name] for name in sorted(latency)},
        operations=together.sort_values("device", kind="stable", ignore_index=True),
        devices=[entries[name] for name in sorted(entries)],
        facts=before.facts | {"latency": {name: facts[name] for name in sorted(facts)}},
    )


def _measured(workspace: Path, again: Path | None) -> Iterator[_Measured]:
    """The devices of a workspace.

    Raises:
        SourceError: If there is none.
    """
    folder = workspace / "01_raw" / "measured"
    entries = load_devices(_existing(folder / "devices.yml"))
    journals = list(_journals(workspace))
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise SourceError(f"There is no latency table in {folder}: run measure first.")
    for file in files:
        if file.stem not in entries:
            raise SourceError(f"{file.with_name('devices.yml')} does not describe {file.stem!r}.")
        name = file.stem.removeprefix(_PREFIX)
        table = _table(file, LATENCY).sort_values("arch_id", ignore_index=True)
        journal = _journal_of(table, file, journals)
        second = again / file.name if again is not None else None
        repeated = second is not None and second.exists()
        alone = folder / "operations" / file.name
        operations = _operations(alone, name, journal[1]) if alone.exists() else None
        facts = _latency_facts(table, journal) | {
            "again": agreement(table, _table(second, LATENCY)) if repeated else None,
            "operations": 0 if operations is None else len(operations),
        }
        device = entries[file.stem].model_copy(update={"name": name, "licence": LICENCE})
        yield _Measured(device, _renamed(table, name), operations, facts)


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
        "figures": {
            name: _range(table[name]) if name in table and table[name].notna().all() else None
            for name in _FIGURES
        },
        "versions": _versions(rows),
        "machine": task["machine"],
        "settings": task["settings"],
    }


def _versions(rows: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Versions of packages on the device and of the converter, over all sessions."""
    found: dict[str, dict[str, list[str]]] = {}
    for session in rows["versions"].dropna() if "versions" in rows else ():
        for where, packages in session.items():
            for package, version in packages.items():
                known = found.setdefault(where, {}).setdefault(package, [])
                known += [version] * (version not in known)
    return found


def _journals(workspace: Path) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Task and rows of every measurement below the workspace."""
    places = (workspace / "07_model_output" / "store", workspace / "01_raw" / "measured")
    for path in sorted(file for place in places for file in place.glob("*.jsonl")):
        lines = path.read_text("utf-8").splitlines(keepends=True)
        whole = [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be torn
        if whole[1:] and "machine" in whole[0].get("fingerprint", {}):
            yield whole[0]["fingerprint"], pd.DataFrame(whole[1:])


def _journal_of(
    table: pd.DataFrame, file: Path, journals: list[tuple[dict[str, Any], pd.DataFrame]]
) -> tuple[dict[str, Any], pd.DataFrame]:
    """The journal with exactly these latencies."""
    for task, rows in journals:
        cells = rows[rows["event"] == "cell"].drop_duplicates("arch_id", keep="last")
        known = cells.set_index("arch_id")["latency_ms"].reindex(table["arch_id"])
        if np.array_equal(known.to_numpy(), table["latency_ms"].to_numpy()):
            return task, rows
    raise SourceError(
        f"No journal holds the latencies of {file}, so their measurement is unknown. "
        "Keep 07_model_output/store of the environment of the measurement."
    )


def _operations(file: Path, name: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Operations of a device, with the latencies of its journal."""
    operations = _table(file, OPERATIONS)
    known = rows[rows["event"] == "operation"].drop_duplicates(["part", "stage"], keep="last")
    both = operations.merge(known, on=["part", "stage"], how="left", suffixes=("", "_journal"))
    if not both["latency_ms"].equals(both["latency_ms_journal"]):
        raise SourceError(f"{file} holds other latencies than the journal of its device.")
    return _renamed(operations, name)


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
