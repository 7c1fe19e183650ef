"""Requirements on a model before any comparison.

`Gates` are the limits; `judge` applies them to the metrics of a model on its test rows. A limit of
None is off; one that does not apply to a model, such as calibration without intervals, is skipped
with a note.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Literal

import numpy as np
import pandas as pd

from brpnas.errors import ConfigurationError
from brpnas.metrics import kendall, regression_metrics, spearman

__all__ = ["Gates", "Kind", "figures", "judge"]

Kind = Literal["latency", "energy", "peak_memory", "accuracy"]
"""Target of a model: a metric in its unit (`brpnas.datasets.Metric.kind`), or a score in the order
of accuracy."""


@dataclass(frozen=True)
class Gates:
    """Limits on the metrics of test rows; None turns a limit off.

    Args:
        min_spearman: Least rank correlation of prediction and truth.
        min_within_10: Least share of rows predicted within ±10 %, for metrics with a unit.
        min_test_rows: Least number of test rows.
        max_calibration_error: Largest ``|coverage - nominal coverage|`` of the intervals, for
            models with intervals.
    """

    min_spearman: float | None = None
    min_within_10: float | None = None
    min_test_rows: int | None = None
    max_calibration_error: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value >= 0:
                raise ConfigurationError(f"The gate {field.name} is 0 or more, not {value}.")

    def as_dict(self) -> dict[str, float | None]:
        """Every limit by its name."""
        return asdict(self)


def figures(rows: pd.DataFrame, kind: Kind, coverage: float | None = None) -> dict[str, float]:
    """Metrics of a model on its test rows.

    Args:
        rows: ``true, predicted`` and, with intervals, ``lower, upper``; predictions must be finite,
            and positive for metrics with a unit.
        kind: Target of the model.
        coverage: Nominal coverage of the intervals; None without intervals.
    """
    true, predicted = rows["true"].to_numpy(), rows["predicted"].to_numpy()
    if kind == "accuracy":
        found = {"spearman": spearman(predicted, true), "kendall": kendall(predicted, true)}
    else:
        errors = np.abs(np.log(predicted / true))
        found = regression_metrics(predicted, true) | {"log_error": float(errors.mean())}
    if coverage is not None:
        share = _coverage(rows)
        found |= {"coverage": share, "calibration_error": abs(share - coverage)}
    return found


def _coverage(rows: pd.DataFrame) -> float:
    """Share of true values within their interval; NaN if an interval is missing or reversed."""
    if not {"lower", "upper"} <= set(rows.columns):
        return math.nan
    lower, upper = (rows[name].to_numpy(np.float64) for name in ("lower", "upper"))
    if not (np.isfinite(lower) & np.isfinite(upper) & (lower <= upper)).all():
        return math.nan
    true = rows["true"].to_numpy()
    return float(((lower <= true) & (true <= upper)).mean())


def judge(
    found: dict[str, float], count: int, gates: Gates, kind: Kind
) -> tuple[list[str], list[str]]:
    """Apply the gates to the metrics of a model, from `figures`.

    Returns:
        One sentence for each failed gate, and one for each skipped gate.
    """
    failed, notes = [], []
    if gates.min_test_rows is not None and count < gates.min_test_rows:
        failed.append(f"It has {count} test rows, fewer than the required {gates.min_test_rows}.")
    if math.isnan(found["spearman"]):
        failed.append("Its predictions, or the true values, are the same for every test row.")
    least: list[tuple[str, str, float | None]] = [
        ("spearman", "Spearman correlation", gates.min_spearman),
        ("within_10", "share of rows within ±10 %", gates.min_within_10),
    ]
    for name, words, limit in least:
        if limit is None:
            continue
        if name not in found:
            notes.append(f"The gate on its {words} is skipped: it predicts only an order.")
        elif not found[name] >= limit and not math.isnan(found[name]):
            failed.append(f"Its {words} is {found[name]:.4g}, below the gate of {limit:g}.")
    limit = gates.max_calibration_error
    if limit is not None:
        if "calibration_error" not in found:
            notes.append("The gate on calibration is skipped: it has no intervals.")
        elif math.isnan(found["calibration_error"]):
            failed.append("Some of its intervals are missing, not finite or reversed.")
        elif not found["calibration_error"] <= limit:
            failed.append(
                f"Its intervals hold {found['coverage']:.1%} of the true values, a calibration "
                f"error of {found['calibration_error']:.3f}, above the gate of {limit:g}."
            )
    return failed, notes
