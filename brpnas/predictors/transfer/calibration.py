"""Calibrated intervals: the factor from predicted deviations to errors.

A Gaussian process gives a deviation with each prediction, and its leave-one-out errors show how far
off these are. `calibrate` turns them into the factor of an interval, with a prior for few rows: the
leave-one-out errors of few rows tell nothing about new rows, because the hyperparameters are fitted
to the same rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.stats

from brpnas.errors import ConfigurationError

__all__ = ["calibrate"]

_PRIOR_ROWS = 30
_ROWS = (0, 20)
_EXPECTED = (0.75, 1.75)
"""Expected error of a prediction in deviations, from so few rows and from so many, linear between.

From few rows the deviations are about those of the prior. More rows fit the hyperparameters, and
the deviations are then too small; see `benchmarks/adapt.py`."""


def calibrate(
    errors: npt.NDArray[np.float64],
    deviations: npt.NDArray[np.float64],
    coverage: float,
    *,
    prior_rows: float = _PRIOR_ROWS,
) -> float:
    """Factor ``q`` such as a share ``coverage`` of new rows lies in ``prediction ± q * deviation``.

    It is the quantile of errors in deviations (conformal prediction: Lei et al., "Distribution-free
    predictive inference for regression", 2018), mixed on the logarithm with its prior, a multiple
    of the quantile of a normal distribution.

    Args:
        errors: Errors of left-out rows, shape ``[n]``.
        deviations: Predicted deviation of each, shape ``[n]``.
        coverage: Nominal coverage, above 0 and below 1.
        prior_rows: Number of rows whose quantile weighs as much as the prior. The quantile of ``n``
            rows has the weight ``n**2 / (n**2 + prior_rows**2)``.

    Raises:
        ConfigurationError: If the coverage is out of range, or rows are missing.
    """
    if not 0 < coverage < 1:
        raise ConfigurationError(f"A coverage lies above 0 and below 1, not at {coverage}.")
    if not len(errors):
        raise ConfigurationError("Intervals cannot be calibrated without rows.")
    expected = float(np.interp(len(errors), _ROWS, _EXPECTED))
    expected *= float(scipy.stats.norm.ppf((1 + coverage) / 2))
    scores = np.abs(errors) / deviations
    weight = len(scores) ** 2 / (len(scores) ** 2 + prior_rows**2)
    level = min(1.0, coverage * (1 + 1 / len(scores)))
    seen = max(float(np.quantile(scores, level)), 1e-3)
    return float(np.exp(weight * np.log(seen) + (1 - weight) * np.log(expected)))
