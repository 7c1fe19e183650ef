"""The embedded benchmark, inside the package.

*NB201-Digits* holds accuracies of NAS-Bench-201 cells on scikit-learn's digits
(`read_embedded_accuracy`) with their learning curves (`read_embedded_curves`), latencies measured
with this project (`embedded_devices`, `read_embedded_latency`), and latencies of single operations
(`read_embedded_operations`).
``embedded/DATASHEET.md`` documents their making and noise; `embedded_facts` returns its figures,
`embedded_notes` the citations. ``python -m benchmarks.embed`` writes all of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from brpnas.datasets.schemas import ACCURACY, CURVES, LATENCY, OPERATIONS, validate
from brpnas.errors import SourceError, UnknownNameError
from brpnas.spaces.network import NetworkConfig

__all__ = [
    "EMBEDDED",
    "EMBEDDED_ACCURACY",
    "EMBEDDED_CURVES",
    "EMBEDDED_OPERATIONS",
    "Note",
    "embedded_devices",
    "embedded_facts",
    "embedded_network",
    "embedded_notes",
    "read_embedded_accuracy",
    "read_embedded_curves",
    "read_embedded_latency",
    "read_embedded_operations",
]

EMBEDDED = Path(__file__).with_name("embedded")
"""Folder of the benchmark in the installed package."""

EMBEDDED_ACCURACY = "nb201-digits.parquet"
EMBEDDED_CURVES = "nb201-digits-curves.parquet"
EMBEDDED_OPERATIONS = "operations.parquet"
_WHERE = "brpnas/datasets/embedded"


class Note(TypedDict):
    """Source of a table, for reports and model cards."""

    group: str
    url: str
    sha256: str | None
    licence: str
    citation: str


def read_embedded_accuracy(folder: Path = EMBEDDED) -> pd.DataFrame:
    """Accuracy of NAS-Bench-201 cells on the digits: a validation and a test row per training.

    One cell of each function was trained, the first in the order of the space; see
    `brpnas.datasets.share_with_isomorphic` for the others.

    Args:
        folder: Folder of the benchmark.

    Raises:
        SourceError: If the file is missing.
        SchemaError: If the file is not an accuracy table.
    """
    path = _existing(folder / EMBEDDED_ACCURACY)
    return validate(pd.read_parquet(path), ACCURACY, origin=str(path))


def read_embedded_curves(folder: Path = EMBEDDED) -> pd.DataFrame:
    """Learning curves of the embedded accuracies: a row per training and epoch.

    The accuracy after the last epoch is the validation accuracy of `read_embedded_accuracy`.

    Args:
        folder: Folder of the benchmark.

    Raises:
        SourceError: If the file is missing.
        SchemaError: If the file is not a table of learning curves.
    """
    path = _existing(folder / EMBEDDED_CURVES)
    return validate(pd.read_parquet(path), CURVES, origin=str(path))


def embedded_network() -> NetworkConfig:
    """Size of the networks of the embedded accuracies, from the datasheet."""
    facts = embedded_facts()["accuracy"]
    settings = {name: facts["settings"][name] for name in ("channels", "cells_per_stage", "stages")}
    shape = tuple(facts["images"]["input_shape"])
    return NetworkConfig(
        **settings, input_shape=shape, classes=facts["classes"], executes_dead_ops=False
    )


def embedded_devices(folder: Path = EMBEDDED) -> list[str]:
    """Names of the devices with embedded latencies."""
    return sorted(path.stem for path in (folder / "latency").glob("*.parquet"))


def read_embedded_latency(device: str, folder: Path = EMBEDDED) -> pd.DataFrame:
    """Latency of NAS-Bench-201 networks on an embedded device.

    Args:
        device: One of `embedded_devices`; `brpnas.devices` describes it.
        folder: Folder of the benchmark.

    Raises:
        UnknownNameError: If the device is unknown.
        SchemaError: If its file is not a latency table.
    """
    known = embedded_devices(folder)
    if device not in known:
        raise UnknownNameError("embedded device", device, known)
    path = folder / "latency" / f"{device}.parquet"
    return validate(pd.read_parquet(path), LATENCY, origin=str(path))


def read_embedded_operations(folder: Path = EMBEDDED) -> pd.DataFrame:
    """Latency of single operations on the embedded devices, for the layer-wise baseline.

    Args:
        folder: Folder of the benchmark.

    Raises:
        SourceError: If the file is missing.
        SchemaError: If the file is not a table of operations.
    """
    path = _existing(folder / EMBEDDED_OPERATIONS)
    return validate(pd.read_parquet(path), OPERATIONS, origin=str(path))


def embedded_facts(folder: Path = EMBEDDED) -> dict[str, Any]:
    """Figures of the datasheet: rows, protocol, machine, dates, noise.

    Raises:
        SourceError: If the file is missing.
    """
    facts: dict[str, Any] = json.loads(_existing(folder / "facts.json").read_text("utf-8"))
    return facts


def embedded_notes(folder: Path = EMBEDDED) -> dict[str, Note]:
    """Citation of each table: ``nb201-digits``, and the devices by name.

    Raises:
        SourceError: If a file is missing.
    """
    facts = embedded_facts(folder)
    devices = {name: f"latency/{name}.parquet" for name in embedded_devices(folder)}
    files = {Path(EMBEDDED_ACCURACY).stem: EMBEDDED_ACCURACY} | devices
    return {
        name: {
            "group": "embedded",
            "url": f"{_WHERE}/{file}",
            "sha256": hashlib.sha256(_existing(folder / file).read_bytes()).hexdigest(),
            "licence": facts["licence"],
            "citation": facts["citation"],
        }
        for name, file in files.items()
    }


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise SourceError(
            f"{path} is missing: this copy of brpnas has no embedded benchmark. Install a release, "
            "or replace 'embedded' by benchmarks for download: nasbench201, latbench, help."
        )
    return path
