"""The files of the embedded benchmark as bytes, and their way into the package."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from jinja2 import Environment, StrictUndefined

from benchmarks.embed.collect import Collected
from brpnas.atomic import atomic_path
from brpnas.datasets.shipped import EMBEDDED_ACCURACY, EMBEDDED_CURVES, EMBEDDED_OPERATIONS
from brpnas.devices import Device

__all__ = ["MARKER", "contents", "datasheet", "write"]

MARKER = "# Embedded devices, written by `python -m benchmarks.embed`."
_TEMPLATE = Path(__file__).with_name("DATASHEET.md.j2")


def contents(collected: Collected) -> dict[str, bytes]:
    """Bytes of each file by its path below the folder of the benchmark."""
    tables = {
        EMBEDDED_ACCURACY: collected.accuracy,
        EMBEDDED_CURVES: collected.curves,
        EMBEDDED_OPERATIONS: collected.operations,
    }
    tables |= {f"latency/{name}.parquet": table for name, table in collected.latency.items()}
    facts = json.dumps(collected.facts, indent=1, ensure_ascii=False) + "\n"
    return {
        **{name: _parquet(table) for name, table in tables.items()},
        "facts.json": facts.encode(),
        "DATASHEET.md": datasheet(json.loads(facts)).encode(),
    }


def datasheet(facts: Mapping[str, Any]) -> str:
    """The datasheet with its figures filled in."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters["percent"] = lambda share, digits=1: f"{100 * share:.{digits}f} %"
    template = environment.from_string(_TEMPLATE.read_text("utf-8"))
    return template.render(**facts)


def write(
    files: Mapping[str, bytes], devices: Sequence[Device], folder: Path, catalogue: Path
) -> None:
    """Put the files into the package and the devices into its catalogue.

    Latency tables of removed devices are deleted.

    Args:
        files: Files from `contents`.
        devices: Entries for the catalogue.
        folder: Folder of the benchmark.
        catalogue: The catalogue of devices; everything below `MARKER` is replaced.
    """
    (folder / "latency").mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        with atomic_path(folder / name) as partial:
            partial.write_bytes(content)
    for old in (folder / "latency").glob("*.parquet"):
        if f"latency/{old.name}" not in files:
            old.unlink()
    by_hand = catalogue.read_text("utf-8").partition(MARKER)[0].rstrip("\n")
    entries = [
        yaml.safe_dump([device.model_dump()], sort_keys=False, allow_unicode=True, width=100)
        for device in devices
    ]
    with atomic_path(catalogue) as partial:
        partial.write_text("\n".join([f"{by_hand}\n", MARKER, *entries]), "utf-8")


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()
