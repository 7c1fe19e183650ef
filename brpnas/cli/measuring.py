"""What ``brpnas measure`` does and prints: latency of cells on this machine."""

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
    summary,
)
from brpnas.spaces import get_space

__all__ = ["check_output", "measure"]


def check_output(output: Path) -> None:
    """Check that the table can be written in the format that its name says.

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
    seed: int = 0,
    drift_limit: float = 0.1,
) -> str:
    """Measure cells, or what the journal beside the output lacks of them.

    Args:
        arch_ids: Cells, each once.
        settings: How to measure.
        output: Latency table to write, Parquet or CSV. Beside it go the journal, of the same name
            with the suffix ``.jsonl``, and the catalogue of devices, ``devices.yml``.
        device: Name of the device.
        seed: Decides the order of the cells.
        drift_limit: Drift of the reference network, a fraction, to warn of.

    Raises:
        MeasurementError: If nothing could be measured, or another device has that name.
        StoreError: If the journal is of other settings or of another machine.
    """
    check_output(output)
    catalogue = output.with_name("devices.yml")
    known = load_devices(catalogue) if catalogue.exists() else {}
    entry, result = measure_device(
        arch_ids,
        settings,
        output.with_suffix(".jsonl"),
        name=device,
        check=partial(check_name, known=known),
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
