"""Where the tables come from: licence, citation, address and hash of each, for report and cards.

Every note says what the source holds: ``devices`` or ``datasets``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brpnas.datasets import (
    DATASETS,
    EMBEDDED_DATASETS,
    embedded_devices,
    embedded_notes,
    load_catalogue,
)
from brpnas.devices import Device

__all__ = ["source_notes"]

_PUBLISHED = {"group", "url", "sha256", "licence", "citation"}


def source_notes(
    benchmarks: Sequence[str],
    datasets: Sequence[str],
    devices: Sequence[str],
    described: Mapping[str, Device],
) -> dict[str, dict[str, Any]]:
    """Notes on every source that was read, by name.

    Args:
        benchmarks: Benchmarks that were asked for.
        datasets: Data sets that there are accuracies on.
        devices: Devices that there are latencies of.
        described: The catalogue of one's own devices.
    """
    notes: dict[str, dict[str, Any]] = {}
    shipped_devices: set[str] = set()
    shipped_datasets: set[str] = set()
    if "embedded" in benchmarks:
        shipped_devices, shipped_datasets = set(embedded_devices()), set(EMBEDDED_DATASETS)
        for name, note in embedded_notes().items():
            holds = _holds(device=name) if name in shipped_devices else _holds(*EMBEDDED_DATASETS)
            notes[name] = {**note, **holds}
    for name, source in load_catalogue().items():
        if source.group in benchmarks:
            holds = _holds(device=name) if source.group == "latbench" else _holds(*DATASETS)
            notes[name] = source.model_dump(include=_PUBLISHED) | holds
    if "measured" in benchmarks:
        for name in sorted({*devices} & {*described} - shipped_devices - {*notes}):
            notes[name] = _measured(described[name])
    if "trained" in benchmarks:
        published = set(DATASETS) if "nasbench201" in benchmarks else set()
        for name in sorted({*datasets} - shipped_datasets - published):
            notes[f"trained-{name}"] = _trained(name)
    return notes


def _holds(*datasets: str, device: str | None = None) -> dict[str, list[str]]:
    return {"datasets": list(datasets), "devices": [] if device is None else [device]}


def _measured(device: Device) -> dict[str, Any]:
    return {
        "group": "measured",
        "url": f"01_raw/measured/{device.name}",
        "sha256": None,
        "licence": device.licence,
        "citation": f"Measured on {device.hardware}, {device.runtime or 'runtime not stated'}",
        **_holds(device=device.name),
    }


def _trained(dataset: str) -> dict[str, Any]:
    return {
        "group": "trained",
        "url": f"01_raw/trained/{dataset}",
        "sha256": None,
        "licence": "that of whoever trained it",
        "citation": f"Trained on {dataset} by the stage train_candidates, or as its owner says",
        **_holds(dataset),
    }
