"""Metrics of predictions: rank correlations and relative errors.

Rank correlations (`spearman`, `kendall`) measure the order of architectures, the quality that a
search needs. Relative errors (`within`, `mape`) measure the values, for latency limits.
`regression_metrics` gives all of them. Pass test rows only.

Every function takes flat, equally long, non-empty arrays of finite numbers and raises `SchemaError`
otherwise. Undefined statistics, such as the correlation with a constant, are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.stats

from brpnas.errors import SchemaError

__all__ = [
    "kendall",
    "mape",
    "regression_metrics",
    "share_interval",
    "spearman",
    "spearman_interval",
    "within",
    "without_nan",
]

FloatArray = npt.NDArray[np.float64]
_COVERAGE = 0.9


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's rank correlation; ties share their mean rank.

    Args:
        a: One value per row, shape ``[N]``.
        b: The values to compare with, shape ``[N]``.

    Returns:
        A number from -1 to 1, or NaN if either array is constant.

    Examples:
        >>> round(spearman([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0]), 3)
        0.8
    """
    x, y = _checked(a, b, ("a", "b"))
    if _constant(x) or _constant(y):
        return float("nan")
    return float(scipy.stats.spearmanr(x, y).statistic)


def kendall(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Kendall's rank correlation tau-b, corrected for ties; NaN if either array is constant.

    Args:
        a: One value per row, shape ``[N]``.
        b: The values to compare with, shape ``[N]``.
    """
    x, y = _checked(a, b, ("a", "b"))
    if _constant(x) or _constant(y):
        return float("nan")
    return float(scipy.stats.kendalltau(x, y, variant="b").statistic)


def within(predicted: npt.ArrayLike, true: npt.ArrayLike, bound: float) -> float:
    """Share of rows with a relative error ``|predicted / true - 1|`` of at most ``bound``.

    Args:
        predicted: Predictions in real units (not logarithms), shape ``[N]``.
        true: Measured values in the same unit, not zero, shape ``[N]``.
        bound: Largest error, as a fraction: 0.1 for ±10 %.

    Examples:
        >>> within([1.0, 2.2, 4.0, 5.0], [1.0, 2.0, 3.0, 5.0], bound=0.15)
        0.75
    """
    if not bound >= 0:
        raise SchemaError(f"An error bound is a fraction such as 0.1 for ±10 %, not {bound}.")
    return float(np.mean(_relative_errors(predicted, true) <= bound))


def mape(predicted: npt.ArrayLike, true: npt.ArrayLike) -> float:
    """Mean absolute relative error, as a fraction (0.1 is 10 %).

    Args:
        predicted: Predictions in real units, shape ``[N]``.
        true: Measured values in the same unit, not zero, shape ``[N]``.
    """
    return float(np.mean(_relative_errors(predicted, true)))


def regression_metrics(predicted: npt.ArrayLike, true: npt.ArrayLike) -> dict[str, float]:
    """All metrics of one predictor on one set of rows.

    Args:
        predicted: Predictions in real units, shape ``[N]``.
        true: Measured values in the same unit, not zero, shape ``[N]``.

    Returns:
        ``within_1``, ``within_5``, ``within_10`` (shares within ±1, ±5 and ±10 %), ``spearman``,
        ``kendall`` and ``mape``; all except the correlations are fractions.
    """
    errors = _relative_errors(predicted, true)
    return {
        "within_1": float(np.mean(errors <= 0.01)),
        "within_5": float(np.mean(errors <= 0.05)),
        "within_10": float(np.mean(errors <= 0.1)),
        "spearman": spearman(predicted, true),
        "kendall": kendall(predicted, true),
        "mape": float(np.mean(errors)),
    }


def spearman_interval(rho: float, rows: int) -> tuple[float, float]:
    """90 % interval of Spearman's correlation in the population (Bonett & Wright, 2000).

    Args:
        rho: Correlation of a sample; NaN if undefined.
        rows: Size of the sample.

    Returns:
        Lower and upper end; -1 and 1 for samples of fewer than five rows.

    Examples:
        >>> spearman_interval(1.0, 2)
        (-1.0, 1.0)
    """
    if rows < 5 or np.isnan(rho):
        return -1.0, 1.0
    # A perfect order may have missed one exchange of neighbours.
    most = 1 - 12 / (rows * (rows**2 - 1))
    centre = np.arctanh(np.clip(rho, -most, most))
    width = scipy.stats.norm.ppf((1 + _COVERAGE) / 2) * np.sqrt((1 + rho**2 / 2) / (rows - 3))
    return float(np.tanh(centre - width)), float(np.tanh(centre + width))


def share_interval(share: float, rows: int) -> tuple[float, float]:
    """Wilson's 90 % interval of a share in the population.

    Args:
        share: Share of a sample, from 0 to 1.
        rows: Size of the sample.

    Examples:
        >>> [round(end, 2) for end in share_interval(1.0, 2)]
        [0.43, 1.0]
    """
    z = scipy.stats.norm.ppf((1 + _COVERAGE) / 2)
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    width = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return float(centre - width), float(centre + width)


def without_nan(value: Any) -> Any:
    """A copy of nested figures for JSON: NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(entry) for entry in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def _relative_errors(predicted: npt.ArrayLike, true: npt.ArrayLike) -> FloatArray:
    pred, real = _checked(predicted, true, ("predicted", "true"))
    zeros = np.flatnonzero(real == 0)
    if len(zeros):
        raise SchemaError(
            f"{len(zeros)} true value(s) are zero (first in row {zeros[0]}), so relative errors "
            "are undefined: leave these rows out."
        )
    relative: FloatArray = np.abs(pred / real - 1)
    return relative


def _constant(x: FloatArray) -> bool:
    return bool((x == x[0]).all())


def _checked(
    a: npt.ArrayLike, b: npt.ArrayLike, names: tuple[str, str]
) -> tuple[FloatArray, FloatArray]:
    arrays = np.asarray(a, np.float64), np.asarray(b, np.float64)
    shapes = [x.shape for x in arrays]
    if shapes[0] != shapes[1] or arrays[0].ndim != 1 or not arrays[0].size:
        raise SchemaError(
            f"Metrics compare two equally long, non-empty, flat arrays; {names[0]!r} has shape "
            f"{shapes[0]} and {names[1]!r} has shape {shapes[1]}."
        )
    for name, x in zip(names, arrays, strict=True):
        bad = np.flatnonzero(~np.isfinite(x))
        if len(bad):
            raise SchemaError(
                f"{name!r} holds {len(bad)} NaN or infinite value(s) (first in row {bad[0]}): "
                "leave these rows out, or find out why the predictor diverged."
            )
    return arrays
