"""Work and text of ``brpnas measure`` and ``brpnas kit read``: latency of cells on a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from brpnas.atomic import atomic_path
from brpnas.datasets import LATENCY, read_own_table
from brpnas.devices import Device, load_devices
from brpnas.errors import ConfigurationError
from brpnas.measure import (
    Command,
    MeasureResult,
    MeasureSettings,
    add_device,
    check_name,
    check_table,
    measure_device,
    measure_report,
    open_target,
    read_kit,
    summary,
)
from brpnas.spaces import get_space

__all__ = ["check_output", "measure", "read", "write"]


def check_output(output: Path) -> None:
    """Check the format of the output.

    Raises:
        ConfigurationError: If it ends neither in ``.parquet`` nor in ``.csv``.
    """
    if output.suffix not in (".parquet", ".csv"):
        raise ConfigurationError(f"{output} must end in .parquet or .csv.")


def measure(
    arch_ids: Sequence[str],
    settings: MeasureSettings,
    output: Path,
    *,
    device: str | None = None,
    target: str = "local",
    command: Command | None = None,
    seed: int = 0,
    drift_limit: float = 0.1,
) -> str:
    """Measure the cells that the journal beside the output lacks.

    Args:
        arch_ids: Cells, each once.
        settings: How to measure.
        output: Latency table to write, Parquet or CSV. The journal (same name, suffix ``.jsonl``)
            and the catalogue ``devices.yml`` are written beside it.
        device: Name of the device.
        target: Name of the target, see `brpnas.measure.open_target`.
        command: Command of the target ``command``.
        seed: Shuffles the cells.
        drift_limit: Largest drift of the reference network without a warning, a fraction.

    Raises:
        MeasurementError: If no cell could be measured, or the name describes another device.
        StoreError: If the journal belongs to other settings or another machine.
    """
    check_output(output)
    with open_target(target, command=command) as place:
        entry, result = measure_device(
            arch_ids,
            settings,
            output.with_suffix(".jsonl"),
            name=device,
            check=partial(check_name, known=_known(output)),
            target=place,
            seed=seed,
            drift_limit=drift_limit,
        )
    return write(entry, settings, result, output, drift_limit)


def read(
    kit: Path,
    output: Path,
    *,
    rows: Path | None = None,
    device: str | None = None,
    drift_limit: float = 0.1,
) -> str:
    """Write the table of a kit that a device has measured, and its entry in the catalogue.

    Args:
        kit: The kit, a folder or zip.
        output: Latency table to write, see `measure`.
        rows: File of the rows; None if the kit holds them.
        device: Name of the device.
        drift_limit: Largest drift of the reference network without a warning, a fraction.

    Raises:
        MeasurementError: If the kit or its rows are refused, or the name describes another device.
        StoreError: If the journal belongs to other settings or another machine.
    """
    check_output(output)
    settings, entry, result = read_kit(
        kit,
        output.with_suffix(".jsonl"),
        rows=rows,
        name=device,
        check=partial(check_name, known=_known(output)),
        drift_limit=drift_limit,
    )
    return write(entry, settings, result, output, drift_limit)


def write(
    entry: Device,
    settings: MeasureSettings,
    result: MeasureResult,
    output: Path,
    drift_limit: float,
) -> str:
    """Write the table and the entry in the catalogue beside it; return a summary.

    Raises:
        MeasurementError: If the table would lose cells.
    """
    table, catalogue = result.latency(entry.name), _catalogue(output)
    if output.exists():
        before = read_own_table(output, LATENCY, get_space(settings.space))
        check_table(entry.name, before, table)
    with atomic_path(output) as partial_file:
        if output.suffix == ".csv":
            table.to_csv(partial_file, index=False)
        else:
            table.to_parquet(partial_file, index=False)
    add_device(entry, catalogue)
    report = measure_report(entry, settings, result, drift_limit=drift_limit)
    return f"{summary(report)}\ntable     {output}\ncatalogue {catalogue}"


def _catalogue(output: Path) -> Path:
    return output.with_name("devices.yml")


def _known(output: Path) -> Mapping[str, Device]:
    catalogue = _catalogue(output)
    return load_devices(catalogue) if catalogue.exists() else {}
