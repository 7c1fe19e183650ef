"""Calibrated intervals: the factor from predicted deviations to errors.

A Gaussian process gives a deviation with each prediction, and its leave-one-out errors show how far
off these are. `calibrate` turns them into the factor of an interval, with a prior for few rows: the
deviations, fitted to the same rows, are too small by a third.
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
    """Factor ``q`` such as a share ``coverage`` of new rows lies in ``prediction ± q * deviation``.

    It is the quantile of errors in deviations (conformal prediction: Lei et al., "Distribution-free
    predictive inference for regression", 2018), mixed on the logarithm with its prior, 1.5 times
    the quantile of a normal distribution, as if seen on ``prior_rows`` rows.

    Args:
        errors: Errors of left-out rows, shape ``[n]``.
        deviations: Predicted deviation of each, shape ``[n]``.
        coverage: Nominal coverage, above 0 and below 1.
        prior_rows: Weight of the prior, in rows.

    Raises:
        ConfigurationError: If the coverage is out of range, or rows are missing.
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
