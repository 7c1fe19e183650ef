"""The benchmark that ships inside the package: nothing has to be fetched to read it.

*NB201-Digits* is the accuracy of NAS-Bench-201 cells on scikit-learn's digits
(`read_embedded_accuracy`); beside it lie latencies measured with this project
(`embedded_devices`, `read_embedded_latency`), and of their operations alone
(`read_embedded_operations`). ``embedded/DATASHEET.md`` says how, where and when
both were made and how noisy they are; `embedded_facts` gives its figures, `embedded_notes` what to
cite. ``python -m benchmarks.embed`` writes all of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from brpnas.datasets.schemas import ACCURACY, LATENCY, OPERATIONS, validate
from brpnas.errors import SourceError, UnknownNameError
from brpnas.spaces.network import NetworkConfig

__all__ = [
    "EMBEDDED",
    "EMBEDDED_ACCURACY",
    "EMBEDDED_OPERATIONS",
    "Note",
    "embedded_devices",
    "embedded_facts",
    "embedded_network",
    "embedded_notes",
    "read_embedded_accuracy",
    "read_embedded_latency",
    "read_embedded_operations",
]

EMBEDDED = Path(__file__).with_name("embedded")
"""Folder of the benchmark in the installed package."""

EMBEDDED_ACCURACY = "nb201-digits.parquet"
EMBEDDED_OPERATIONS = "operations.parquet"
_WHERE = "brpnas/datasets/embedded"


class Note(TypedDict):
    """Where a table comes from, for reports and model cards."""

    group: str
    url: str
    sha256: str | None
    licence: str
    citation: str


def read_embedded_accuracy(folder: Path = EMBEDDED) -> pd.DataFrame:
    """Accuracy of NAS-Bench-201 cells on the digits: a validation and a test row per training.

    One cell of each function was trained, the first in the order of the space; see
    `brpnas.datasets.share_with_siblings` for the others.

    Args:
        folder: Where the benchmark lies.

    Raises:
        SourceError: If it does not lie there.
        SchemaError: If the file is no accuracy table.
    """
    path = _existing(folder / EMBEDDED_ACCURACY)
    return validate(pd.read_parquet(path), ACCURACY, origin=str(path))


def embedded_network(folder: Path = EMBEDDED) -> NetworkConfig:
    """Size of the networks whose accuracy ships, as the datasheet says."""
    facts = embedded_facts(folder)["accuracy"]
    settings = {name: facts["settings"][name] for name in ("channels", "cells_per_stage", "stages")}
    shape = tuple(facts["images"]["input_shape"])
    return NetworkConfig(
        **settings, input_shape=shape, classes=facts["classes"], executes_dead_ops=False
    )


def embedded_devices(folder: Path = EMBEDDED) -> list[str]:
    """Names of the devices whose latency ships with the package; none where no table lies."""
    return sorted(path.stem for path in (folder / "latency").glob("*.parquet"))


def read_embedded_latency(device: str, folder: Path = EMBEDDED) -> pd.DataFrame:
    """Latency of NAS-Bench-201 networks on a device that ships with the package.

    Args:
        device: One of `embedded_devices`; `brpnas.devices` describes it.
        folder: Where the benchmark lies.

    Raises:
        UnknownNameError: If there is no such device.
        SchemaError: If its file is no latency table.
    """
    known = embedded_devices(folder)
    if device not in known:
        raise UnknownNameError("embedded device", device, known)
    path = folder / "latency" / f"{device}.parquet"
    return validate(pd.read_parquet(path), LATENCY, origin=str(path))


def read_embedded_operations(folder: Path = EMBEDDED) -> pd.DataFrame:
    """Latency of single operations on the devices that ship, for the layer-wise baseline.

    Args:
        folder: Where the benchmark lies.

    Raises:
        SourceError: If it does not lie there.
        SchemaError: If the file is no table of operations.
    """
    path = _existing(folder / EMBEDDED_OPERATIONS)
    return validate(pd.read_parquet(path), OPERATIONS, origin=str(path))


def embedded_facts(folder: Path = EMBEDDED) -> dict[str, Any]:
    """Figures of the datasheet: rows, protocol, machine, dates, noise.

    Raises:
        SourceError: If there are none.
    """
    facts: dict[str, Any] = json.loads(_existing(folder / "facts.json").read_text("utf-8"))
    return facts


def embedded_notes(folder: Path = EMBEDDED) -> dict[str, Note]:
    """What to cite for each table: ``nb201-digits``, and the devices by their names.

    Raises:
        SourceError: If the benchmark does not lie there.
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
            f"There is no {path}: this copy of brpnas comes without its own benchmark. Install a "
            "release, or leave 'embedded' out and name benchmarks that can be downloaded: "
            "nasbench201, latbench, help."
        )
    return path
