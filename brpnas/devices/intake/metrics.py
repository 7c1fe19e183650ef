"""Checks of the metrics beside latency: energy and peak memory, each with limits of its own.

A table holds a metric in every row or in none. The bounds of the mean power of a run come from
known devices: an edge GPU at 4 W, an accelerator at 0.2 W.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.metrics import LATENCY_MS, MEASURED, Metric
from brpnas.tables import Finding, RawTable, error, read_numbers, warning

__all__ = ["LEAST_WATTS", "MOST_MEMORY_MIB", "MOST_WATTS", "check_metrics", "read_metrics"]

LEAST_WATTS, LEAST_WATTS_SLOW, MOST_WATTS = 0.05, 0.0005, 2_000.0
"""Bounds of the median of energy over latency. The second bound is for microcontrollers: for
devices with a median latency of `SLOW_MS` or more."""
SLOW_MS = 100.0
MOST_MEMORY_MIB = 16_384.0
"""Higher medians are taken for KiB or bytes. Python with a runtime takes 40 to 500 MiB."""
FAR_FACTOR = {"energy_mj": 50.0, "peak_memory_mib": 100.0}
"""Largest ratio to the median."""
_OTHERS = {name: metric for name, metric in MEASURED.items() if name != LATENCY_MS}
_EMPTY = ("missing", "NaN")
Floats = npt.NDArray[np.float64]


def read_metrics(raw: RawTable) -> tuple[dict[str, list[float]], list[Finding]]:
    """Values of the metrics besides latency that a table holds, and their problems.

    A column without any value is left out: `brpnas measure` writes it if the device has no counter.
    """
    columns: dict[str, list[float]] = {}
    found: list[Finding] = []
    for name, metric in _OTHERS.items():
        if name not in raw.texts:
            continue
        values, about = read_numbers(name, raw.texts[name], raw.lines, may_miss=_EMPTY)
        found += about
        if about or not np.isnan(values).all():
            columns[name] = values
            found += _gaps(name, values, raw.lines) if not about else []
            found += _impossible(metric, values, raw.lines)
    return columns, found


def _gaps(name: str, values: Sequence[float], lines: Sequence[int]) -> Iterator[Finding]:
    missing = [line for line, value in zip(lines, values, strict=True) if np.isnan(value)]
    if missing:
        message = f"{name} is empty here and given in other rows; it must be in all or in none."
        remedy = f"Measure {name} of these cells, or remove the column."
        yield error(f"missing {name}", message, remedy, missing)


def _impossible(metric: Metric, values: Sequence[float], lines: Sequence[int]) -> Iterator[Finding]:
    wrong = [i for i, value in enumerate(values) if not metric.least <= value <= metric.most]
    wrong = [i for i in wrong if not np.isnan(values[i])]
    if wrong:
        shown = ", ".join(f"{values[i]:.4g}" for i in wrong[:3]) + ", ..." * (len(wrong) > 3)
        message = (
            f"{metric.name} is {shown}; a run takes {metric.least:g} to {metric.most:,.0f} "
            f"{metric.unit}."
        )
        remedy = "Measure these cells again, correct the unit, or remove the rows."
        yield error(f"impossible {metric.name}", message, remedy, [lines[i] for i in wrong])


def check_metrics(rows: pd.DataFrame, *, unit_check: bool = True) -> list[Finding]:
    """Check the energies and peak memories of a file as a whole.

    Args:
        rows: Sound rows: ``line``, ``latency_ms``, and the metrics that the file holds.
        unit_check: Whether to refuse values that look like another unit.
    """
    found: list[Finding] = []
    for name, metric in _OTHERS.items():
        if name not in rows or rows.empty:
            continue
        values = rows[name].to_numpy(np.float64)
        units = list(_unit(name, values, rows[LATENCY_MS].to_numpy(np.float64)))
        found += units if unit_check else []
        found += [*_constant(metric, values), *_far(metric, values, rows["line"])]
    return found


def _unit(name: str, values: Floats, latency_ms: Floats) -> Iterator[Finding]:
    guess = remedy = ""
    middle = float(np.median(values))
    if name == "energy_mj":
        watts = float(np.median(values / latency_ms))
        least = LEAST_WATTS_SLOW if float(np.median(latency_ms)) >= SLOW_MS else LEAST_WATTS
        if watts < least:
            guess, remedy = "joules", "Multiply it by 1,000"
        elif watts > MOST_WATTS:
            guess, remedy = "microjoules", "Divide it by 1,000"
        middle_text = f"a median of {middle:.4g} mJ is a mean power of {watts:.3g} W"
    else:
        if middle > MOST_MEMORY_MIB:
            guess, remedy = "KiB or bytes", "Divide it by 1,024 or 1,048,576"
        middle_text = f"a median of {middle:,.0f} MiB is more than a network takes"
    if guess:
        message = f"{middle_text}; {name} looks like {guess}."
        remedy += "; only if the values are right, switch this check off (--no-unit-check)."
        yield error(f"unit of {name}", message, remedy)


def _constant(metric: Metric, values: Floats) -> Iterator[Finding]:
    """Equal values: no device is that steady in energy; a coarse counter of memory may be."""
    if len(values) > 1 and len(np.unique(values)) == 1:
        message = f"every {metric.name} is {values[0]:.4g}; nothing can be learnt from it."
        yield error(f"constant {metric.name}", message, f"Export measured values of {metric.name}.")


def _far(metric: Metric, values: Floats, lines: pd.Series[int]) -> Iterator[Finding]:
    middle, factor = float(np.median(values)), FAR_FACTOR[metric.name]
    odd = (values > factor * middle) | (values < middle / factor)
    if odd.any():
        shown = ", ".join(f"{value:.4g}" for value in values[odd][:3])
        message = (
            f"{metric.name} of {shown} {metric.unit}, more than {factor:g} times from the median, "
            f"{middle:.4g}."
        )
        yield warning(f"outlying {metric.name}", message, "Measure these cells again.", lines[odd])
