"""Errors of predictions in units of their deviations: a sample for intervals of new predictions.

Normalised conformal prediction (Lei et al., JASA 2018, arXiv 1604.04173): validation rows give the
errors, a deviation per prediction scales them. The error of a new prediction is below the
``ceil((n + 1) c)``-th smallest of ``n`` errors with probability ``c`` or more.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import ConfigurationError

__all__ = ["error_quantile", "joint_errors", "log_errors", "typical_ratio"]

FloatArray = npt.NDArray[np.float64]

_NORMAL = 199
"""Number of quantiles in place of a normal distribution."""
_JOINT = 400
"""Number of errors drawn together for several metrics."""


def log_errors(predictions: pd.DataFrame) -> FloatArray:
    """Errors of the logarithm of a metric, each divided by its deviation, ascending.

    Args:
        predictions: Columns ``split, measured, predicted, log_deviation`` of one metric. The errors
            are those of the rows with the split ``valid``; without such rows they are quantiles of
            a normal distribution. A missing deviation counts as 1.

    Raises:
        ConfigurationError: If there are neither validation rows nor deviations.

    Examples:
        >>> table = pd.DataFrame(
        ...     {
        ...         "split": "valid",
        ...         "measured": [1.1, 0.9],
        ...         "predicted": 1.0,
        ...         "log_deviation": 0.1,
        ...     }
        ... )
        >>> log_errors(table).round(2).tolist()
        [-1.05, 0.95]
    """
    valid = predictions[predictions["split"] == "valid"]
    if len(valid):
        logs = np.log(valid["measured"].to_numpy(np.float64) / valid["predicted"])
        return np.sort(np.asarray(logs / valid["log_deviation"].fillna(1.0), np.float64))
    if not predictions["log_deviation"].notna().any():
        raise ConfigurationError(
            "Intervals of predictions need validation rows or deviations, and there are neither: "
            "run train again."
        )
    import scipy.special  # noqa: PLC0415 - only few rows need it

    places = (np.arange(_NORMAL) + 0.5) / _NORMAL
    return np.asarray(scipy.special.ndtri(places), np.float64)


def joint_errors(errors: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Equally many errors of each metric, drawn independently; a single metric keeps its own.

    Args:
        errors: Errors by metric.
    """
    if len(errors) < 2:
        return dict(errors)
    return {
        name: np.random.default_rng(zlib.crc32(name.encode())).permutation(
            np.quantile(sample, (np.arange(_JOINT) + 0.5) / _JOINT)
        )
        for name, sample in errors.items()
    }


def error_quantile(errors: FloatArray, confidence: float) -> float:
    """Error that a new one exceeds with a probability of at most one less the confidence.

    Examples:
        >>> error_quantile(np.arange(9.0), 0.5)
        4.0
    """
    place = min(math.ceil((len(errors) + 1) * confidence), len(errors))
    return float(np.sort(errors)[max(place, 1) - 1])


def typical_ratio(predictions: pd.DataFrame, confidence: float) -> float:
    """Upper bound of a metric over its prediction, for the median deviation; at least 1.

    Args:
        predictions: Predictions of one metric, as for `log_errors`.
        confidence: Probability that a true value is within the bound.
    """
    deviation = float(predictions["log_deviation"].fillna(1.0).median())
    return max(1.0, math.exp(error_quantile(log_errors(predictions), confidence) * deviation))
