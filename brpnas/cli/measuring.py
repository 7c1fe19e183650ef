"""Work and text of ``brpnas measure``: latency of cells on a device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from brpnas.atomic import atomic_path
from brpnas.datasets import LATENCY, read_own_table
from brpnas.devices import load_devices
from brpnas.errors import ConfigurationError
from brpnas.measure import (
    MeasureSettings,
    add_device,
    check_name,
    check_table,
    measure_device,
    measure_report,
    open_target,
    summary,
)
from brpnas.spaces import get_space

__all__ = ["check_output", "measure"]


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
        seed: Shuffles the cells.
        drift_limit: Largest drift of the reference network without a warning, a fraction.

    Raises:
        MeasurementError: If no cell could be measured, or the name describes another device.
        StoreError: If the journal belongs to other settings or another machine.
    """
    check_output(output)
    catalogue = output.with_name("devices.yml")
    known = load_devices(catalogue) if catalogue.exists() else {}
    with open_target(target) as place:
        entry, result = measure_device(
            arch_ids,
            settings,
            output.with_suffix(".jsonl"),
            name=device,
            check=partial(check_name, known=known),
            target=place,
            seed=seed,
            drift_limit=drift_limit,
        )
    table = result.latency(entry.name)
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
