"""A device measured in one call: its description, its latencies and a report.

The command `brpnas measure` and the stage `measure` share `measure_device`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.devices import Device
from brpnas.errors import ConfigurationError, MeasurementError
from brpnas.measure.cells import MeasureResult, measure_cells, probe
from brpnas.measure.hardware import Machine, device_entry
from brpnas.measure.setup import MeasureSettings
from brpnas.measure.store import store_name, task_of
from brpnas.measure.targets import Target
from brpnas.spaces import DEFAULT_SPACE

__all__ = ["check_table", "describe_device", "measure_device", "measure_report", "summary"]


def measure_device(
    arch_ids: Sequence[str],
    settings: MeasureSettings,
    store: Path,
    *,
    name: str | None = None,
    check: Callable[[Device], None] = lambda device: None,
    target: Target | None = None,
    **options: Any,
) -> tuple[Device, MeasureResult]:
    """Describe the machine and measure the cells that the store lacks.

    Args:
        arch_ids: Cells, each once.
        settings: How to measure.
        store: File of the rows, or a folder for one file per task; also per name, if the target
            tells no devices apart.
        name: Name of the device; by default `device_name`.
        check: Called with the device before measuring; may raise.
        target: Where to measure; None for this machine.
        options: Other options of `measure_cells`.

    Returns:
        The entry for a catalogue of devices, and the measurements.

    Raises:
        ConfigurationError: If the device needs a name.
    """
    if name is None and target is not None and target.needs_name:
        raise ConfigurationError(
            f"A device behind the target {target.name} needs a name (--device; in the pipeline "
            "measure.device)."
        )
    machine = probe(settings, target)
    place = "local" if target is None else target.place
    device = describe_device(machine, settings, name, place)
    check(device)
    path = store
    if store.is_dir():
        told_apart = {} if target is None or not target.needs_name else {"device": name}
        path = store / store_name(task_of(settings, machine) | told_apart)
    return device, measure_cells(arch_ids, settings, path, target=target, **options)


def describe_device(
    machine: Machine, settings: MeasureSettings, name: str | None = None, place: str = "local"
) -> Device:
    """Entry for a catalogue of devices: machine, runtime, network and protocol.

    Args:
        machine: The machine, from `brpnas.measure.cells.probe`.
        settings: Runtime, network and protocol.
        name: Name of the device; by default `device_name`.
        place: First word of this default.
    """
    return device_entry(
        machine,
        settings.runtime,
        batch_size=settings.batch_size,
        network_size=settings.network.size,
        name=name,
        place=place,
        notes=_network(settings),
    )


def check_table(device: str, before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Check that a new version of a table loses no cell.

    Raises:
        MeasurementError: If it does: its journal is missing, or another run made the table.
    """
    lost = set(before["arch_id"]) - set(after["arch_id"])
    if lost:
        raise MeasurementError(
            f"{len(lost)} measured cells of the table of {device!r} are missing from the journal "
            "of this measurement and would be lost. Put the journal back, give this device another "
            "name, or remove the table."
        )


def measure_report(
    device: Device, settings: MeasureSettings, result: MeasureResult, *, drift_limit: float
) -> dict[str, Any]:
    """Latencies, settings, machine and drift as JSON types."""
    latency = result.rows["latency_ms"]
    spread = (result.rows["std_ms"] / latency).dropna()
    return {
        "device": device.name,
        "cells": len(result.rows),
        "failed": [{"arch_id": a, "error": error} for a, error in result.failures.items()],
        "latency_ms": {
            "min": float(latency.min()),
            "median": float(latency.median()),
            "max": float(latency.max()),
        },
        "median_relative_std": _known(spread.median()),
        "reference": {**asdict(result.drift), "limit": drift_limit, "drifted": result.drifted},
        "journal": str(result.store),
        "reference_ms": result.references["latency_ms"].tolist(),
        "load_at_start": {
            "median": _known(result.rows["load"].median()),
            "max": _known(result.rows["load"].max()),
        },
        "seconds": {
            "measuring": float(result.rows["seconds"].sum() + result.references["seconds"].sum()),
            "this_run": round(result.seconds, 3),
        },
        "first": str(result.rows["time"].min()),
        "last": str(result.rows["time"].max()),
        "hosts": sorted(set(result.rows["host"])),
        "machine": json.loads(json.dumps(asdict(result.machine))),
        "settings": {**settings.fingerprint(), "network_size": settings.network.size},
        "entry": json.loads(device.model_dump_json()),
    }


def summary(report: dict[str, Any]) -> str:
    """The report as a few lines of text."""
    latency, reference = report["latency_ms"], report["reference"]
    std = report["median_relative_std"]
    over = (
        f"\n{'':10}OVER THE LIMIT: delete {report['journal']}, measure again on a machine at rest"
        if reference["drifted"]
        else ""
    )
    lines = {
        "device": report["device"],
        "hardware": report["entry"]["hardware"],
        "runtime": f"{report['entry']['runtime']}, {report['entry']['precision']}",
        "networks": report["settings"]["network_size"],
        "cells": f"{report['cells']} measured, {len(report['failed'])} failed, "
        f"in {report['seconds']['measuring']:.0f} s",
        "latency": f"median {latency['median']:.3f} ms, from {latency['min']:.3f} to "
        f"{latency['max']:.3f} ms"
        + ("" if std is None else f"; ± {100 * std:.1f} % between repeats"),
        "drift": f"{100 * reference['max_drift']:.1f} % at most, "
        f"{100 * reference['median_drift']:.1f} % in the median, over "
        f"{reference['references']} measurements of the reference network{over}",
    }
    if report["failed"]:
        lines["failed"] = "{arch_id}: {error}".format(**report["failed"][0])
    return "\n".join(f"{name:10}{text}" for name, text in lines.items())


def _known(figure: float) -> float | None:
    """A figure of a table; None for a missing one."""
    return None if pd.isna(figure) else float(figure)


def _network(settings: MeasureSettings) -> str:
    """Sizes of the network and the protocol, for the notes of the catalogue."""
    net, protocol = settings.network, settings.protocol
    of = "" if settings.space == DEFAULT_SPACE else f"{settings.space}, "
    return (
        f"Networks of {of}{net.stages} stages of {net.cells_per_stage} cells, "
        f"{net.channels} channels, input {' x '.join(map(str, net.input_shape))}, "
        f"{net.classes} classes. "
        f"Interquartile mean over {protocol.repeats} blocks of {protocol.runs} "
        f"runs, after {protocol.warmup} to warm up."
    )
