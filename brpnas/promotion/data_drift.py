"""Data drift: changes of the table of a device since its predictor was made.

`describe_data_drift` compares the rows of then and now. With predictions it also tests whether the
error is larger on the new rows than on the test rows: the device may have changed, or the new cells
are of another kind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.stats

from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.metrics import regression_metrics

__all__ = ["data_drift_sentences", "describe_data_drift"]

_SAME = 1e-6
_SIGNIFICANT = 0.01


def describe_data_drift(
    before: pd.DataFrame,
    now: pd.DataFrame,
    answers: pd.DataFrame | None = None,
    metric: str = LATENCY_MS,
) -> dict[str, Any]:
    """Compare two tables of one device.

    Args:
        before: ``arch_id``, the metric and ``split`` at the training of the predictor.
        now: The same columns now.
        answers: Predictions: ``arch_id, predicted`` and, with intervals, ``lower, upper``, for
            new rows and for its test rows.
        metric: Name of the metric; its column holds the measured values.

    Returns:
        ``rows`` (before, now, added, removed, remeasured), ``values`` (quantiles of old and added
        rows, the Kolmogorov-Smirnov distance of their logarithms and its p-value, the median ratio
        of remeasured rows), and ``error`` on test rows, on added and on remeasured rows, with the
        p-value of larger errors on added rows (Mann-Whitney). A statistic undefined for few rows is
        None.
    """
    old, new = before.set_index("arch_id"), now.set_index("arch_id")
    added = new.loc[new.index.difference(old.index)]
    common = new.index.intersection(old.index)
    ratio = new.loc[common, metric] / old.loc[common, metric]
    again = ratio[(ratio - 1).abs() > _SAME]
    distance, p_value = _distance(old[metric], added[metric])
    found: dict[str, Any] = {
        "rows": {
            "before": len(old),
            "now": len(new),
            "added": len(added),
            "removed": len(old.index.difference(new.index)),
            "remeasured": len(again),
        },
        "values": {
            "before": _quantiles(old[metric]),
            "added": _quantiles(added[metric]),
            "ks_distance": distance,
            "ks_p_value": p_value,
            "remeasured_median_ratio": float(again.median()) if len(again) else None,
        },
    }
    if answers is not None:
        found["error"] = _errors(
            {
                "test_before": old.loc[old["split"] == "test", metric],
                "added": added[metric],
                "remeasured": new.loc[again.index, metric],
            },
            answers,
        )
    return found


def _quantiles(latency: pd.Series) -> dict[str, float] | None:
    if latency.empty:
        return None
    return {f"q{q}": float(latency.quantile(q / 100)) for q in (5, 50, 95)}


def _distance(a: pd.Series, b: pd.Series) -> tuple[float | None, float | None]:
    if a.empty or b.empty:
        return None, None
    test = scipy.stats.ks_2samp(np.log(a), np.log(b))
    return float(test.statistic), float(test.pvalue)


def _errors(sets: Mapping[str, pd.Series], answers: pd.DataFrame) -> dict[str, Any]:
    predictions = answers.set_index("arch_id")
    found: dict[str, Any] = {name: _error(true, predictions) for name, true in sets.items()}
    found["added_harder_p_value"] = _harder(sets["test_before"], sets["added"], predictions)
    return found


def _known(true: pd.Series, predictions: pd.DataFrame) -> pd.DataFrame:
    both = predictions.join(true.rename("true"), how="inner")
    usable: pd.DataFrame = both[np.isfinite(both["predicted"]) & (both["predicted"] > 0)]
    return usable


def _error(true: pd.Series, predictions: pd.DataFrame) -> dict[str, float | None] | None:
    both = _known(true, predictions)
    if both.empty:
        return None
    found: dict[str, float | None] = {
        name: None if math.isnan(value) else value
        for name, value in regression_metrics(both["predicted"], both["true"]).items()
    }
    found["rows"] = float(len(both))
    found["median_ratio"] = float((both["predicted"] / both["true"]).median())
    if {"lower", "upper"} <= set(both):
        inside = (both["true"] >= both["lower"]) & (both["true"] <= both["upper"])
        found["coverage"] = float(inside.mean())
    return found


def _harder(before: pd.Series, added: pd.Series, predictions: pd.DataFrame) -> float | None:
    sets: list[npt.NDArray[np.float64]] = []
    for true in (added, before):
        both = _known(true, predictions)
        sets.append(np.abs(np.log((both["predicted"] / both["true"]).to_numpy(np.float64))))
    if not len(sets[0]) or not len(sets[1]):
        return None
    return float(scipy.stats.mannwhitneyu(*sets, alternative="greater").pvalue)


def data_drift_sentences(drift: dict[str, Any], metric: str = LATENCY_MS) -> list[str]:
    """Data drift of a metric in sentences, the most important first."""
    rows, values, about = drift["rows"], drift["values"], MEASURED[metric]
    found = [
        f"{rows['now']} rows, {rows['before']} of them before: {rows['added']} added, "
        f"{rows['removed']} removed, {rows['remeasured']} measured again."
    ]
    p_value = values["ks_p_value"]
    if p_value is not None:
        differs = "differ in distribution from" if p_value < _SIGNIFICANT else "resemble"
        found.append(
            f"The added values of {metric} {differs} the old ones (median "
            f"{values['added']['q50']:.3g} against {values['before']['q50']:.3g} {about.unit}, "
            f"Kolmogorov-Smirnov {values['ks_distance']:.2f}, p = {p_value:.2g})."
        )
    ratio = values["remeasured_median_ratio"]
    if ratio is not None:
        found.append(f"In cells measured again, {metric} is {ratio:.3g} times the earlier one.")
    return found + _error_sentences(drift.get("error") or {})


def _error_sentences(error: dict[str, Any]) -> list[str]:
    found = []
    test, added, p_value = (
        error.get(name) for name in ("test_before", "added", "added_harder_p_value")
    )
    if added is not None:
        against = f", {100 * test['mape']:.1f} % on its test rows" if test is not None else ""
        found.append(
            f"The champion is off by {100 * added['mape']:.1f} % on the {added['rows']:.0f} added "
            f"rows{against}."
        )
    if p_value is not None and p_value < _SIGNIFICANT:
        found.append(
            f"That is significantly worse (p = {p_value:.2g}): the device may have changed, by an "
            "update, another clock or a warmer place, or the new cells are of another kind."
        )
    return found
