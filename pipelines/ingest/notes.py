"""Sources of the tables: licence, citation, address and hash of each, for report and cards.

Every note states the content of the source: ``devices`` or ``datasets``.
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
from brpnas.devices import Device, load_devices

__all__ = ["source_notes"]

_PUBLISHED = {"group", "url", "sha256", "licence", "citation"}
_DATASETS: Mapping[str, Sequence[str]] = {
    "nasbench201": DATASETS,
    "nasbench101": ("cifar10",),
    "nasbench301": ("cifar10",),
}
"""Data sets of the benchmarks of accuracies; a surrogate holds none, and answers for it."""


def source_notes(
    benchmarks: Sequence[str],
    devices: Sequence[str],
    described: Mapping[str, Device],
    *,
    brought: Sequence[str] = (),
    trained: Sequence[str] = (),
) -> dict[str, dict[str, Any]]:
    """Notes on every source read, by name.

    Args:
        benchmarks: Configured benchmarks.
        devices: Devices with latencies.
        described: The catalogue of the user's devices.
        brought: Devices with a file of their owner; they need no entry in the catalogue.
        trained: Data sets of the user's trainings; shipped accuracies on them were not read.
    """
    notes: dict[str, dict[str, Any]] = {}
    shipped_devices: set[str] = set()
    if "embedded" in benchmarks:
        shipped_devices = set(embedded_devices())
        shipped_datasets = [name for name in EMBEDDED_DATASETS if name not in trained]
        for name, note in embedded_notes().items():
            if name in shipped_devices:
                notes[name] = {**note, **_holds(device=name)}
            elif shipped_datasets:
                notes[name] = {**note, **_holds(*shipped_datasets)}
    measured = {device.source for device in load_devices().values()}
    for name, source in load_catalogue().items():
        if source.group in benchmarks:
            datasets = _DATASETS.get(source.group)
            device = name if name in measured else None
            holds = _holds(device=device) if datasets is None else _holds(*datasets)
            notes[name] = source.model_dump(include=_PUBLISHED) | holds
    notes |= {name: _brought(name, described.get(name)) for name in sorted(brought)}
    if "measured" in benchmarks:
        for name in sorted({*devices} & {*described} - shipped_devices - {*notes}):
            notes[name] = _measured(described[name])
    return notes | {f"trained-{name}": _trained(name) for name in sorted(trained)}


def _holds(*datasets: str, device: str | None = None) -> dict[str, list[str]]:
    return {"datasets": list(datasets), "devices": [] if device is None else [device]}


def _measured(device: Device) -> dict[str, Any]:
    return {
        "group": "measured",
        "url": f"01_raw/measured/{device.name}",
        "sha256": None,
        "licence": device.licence,
        "citation": f"Measured on {_described(device)}",
        **_holds(device=device.name),
    }


def _brought(name: str, device: Device | None) -> dict[str, Any]:
    """A latency file of an owner; an entry of devices.yml is optional."""
    return {
        "group": "devices",
        "url": f"01_raw/devices/{name}",
        "sha256": None,
        "licence": device.licence if device else "that of its owner",
        "citation": "Brought by its owner" + (f", of {_described(device)}" if device else ""),
        **_holds(device=name),
    }


def _described(device: Device) -> str:
    return f"{device.hardware}, {device.runtime or 'runtime not stated'}"


def _trained(dataset: str) -> dict[str, Any]:
    return {
        "group": "trained",
        "url": f"01_raw/trained/{dataset}",
        "sha256": None,
        "licence": "that of whoever trained it",
        "citation": f"Trained on {dataset} by the stage train_candidates, or as its owner says",
        **_holds(dataset),
    }
