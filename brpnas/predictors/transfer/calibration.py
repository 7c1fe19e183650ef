"""Intervals that hold what they promise: how far a prediction is off, in its own deviations.

A Gaussian process gives a deviation with each prediction, and its rows, each left out in turn, tell
how errors compare with it. `calibrate` turns them into the factor of an interval; few rows are
trusted less than what is expected beforehand: that the deviations, whose settings were fitted to
the same rows, are half as large again as they seem.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.stats

from brpnas.errors import ConfigurationError

__all__ = ["calibrate"]

_PRIOR_ROWS = 20
_EXPECTED = 1.5
"""Expected error of a prediction from few rows, in deviations; see `benchmarks/adapt.py`."""


def calibrate(
    errors: npt.NDArray[np.float64],
    deviations: npt.NDArray[np.float64],
    coverage: float,
    *,
    prior_rows: float = _PRIOR_ROWS,
) -> float:
    """Factor ``q`` so that ``prediction ± q * deviation`` holds a share ``coverage`` of new rows.

    It is the quantile of errors in deviations (conformal prediction: Lei et al., "Distribution-free
    predictive inference for regression", 2018), mixed on the logarithm with what is expected, 1.5
    times the quantile of a normal distribution, as if this had been seen on ``prior_rows`` rows.

    Args:
        errors: Errors of rows that were left out, shape ``[n]``.
        deviations: Deviation that was predicted for each, shape ``[n]``.
        coverage: Share wanted, above 0 and below 1.
        prior_rows: How many rows the expectation counts for.

    Raises:
        ConfigurationError: If the share is out of range, or there are no rows.
    """
    if not 0 < coverage < 1:
        raise ConfigurationError(f"A coverage lies above 0 and below 1, not at {coverage}.")
    if not len(errors):
        raise ConfigurationError("Intervals cannot be calibrated without rows.")
    expected = _EXPECTED * float(scipy.stats.norm.ppf((1 + coverage) / 2))
    scores = np.abs(errors) / deviations
    weight = len(scores) / (len(scores) + prior_rows)
    level = min(1.0, coverage * (1 + 1 / len(scores)))
    seen = max(float(np.quantile(scores, level)), 1e-3)
    return float(np.exp(weight * np.log(seen) + (1 - weight) * np.log(expected)))
