"""How far a true latency may be from the predicted one: margins that a limit is kept with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import scipy.optimize
import scipy.stats

from brpnas.errors import ConfigurationError

__all__ = ["lower_factor", "shared_factor", "upper_factor"]


def upper_factor(predicted: npt.ArrayLike, true: npt.ArrayLike, confidence: float) -> float:
    """Factor that turns a predicted latency into a bound that the true one seldom exceeds.

    It is the quantile of true over predicted of rows that the networks did not learn from, one
    step up as split conformal prediction has it (Lei et al., JASA 2018, arXiv 1604.04173), and
    never below 1.

    Args:
        predicted: Predicted latencies of validation rows, shape ``[N]``.
        true: Their measured latencies, in the same unit.
        confidence: Share of architectures whose true latency shall be within the bound, from 0 to
            below 1; 0 for no margin at all.

    Raises:
        ConfigurationError: If the confidence is out of range or there are no rows.

    Examples:
        >>> upper_factor([1.0, 1.0, 2.0], [0.9, 1.2, 2.2], 0.5)
        1.1
    """
    if confidence == 0:
        return 1.0
    ratio = _ratios(predicted, true, confidence)
    place = min(math.ceil((len(ratio) + 1) * confidence), len(ratio))
    return max(1.0, float(ratio[place - 1]))


def lower_factor(predicted: npt.ArrayLike, true: npt.ArrayLike, confidence: float) -> float:
    """Factor that turns a predicted latency into a bound that the true one is seldom below.

    The mirror image of `upper_factor`: whose lower bound is over a limit need not be measured.

    Args:
        predicted: Predicted latencies of validation rows, shape ``[N]``.
        true: Their measured latencies, in the same unit.
        confidence: Share of architectures whose true latency shall not be below the bound, from 0
            to below 1; 0 for the prediction itself.

    Raises:
        ConfigurationError: If the confidence is out of range or there are no rows.

    Examples:
        >>> lower_factor([1.0, 1.0, 2.0], [0.9, 1.2, 2.2], 0.7)
        0.9
    """
    if confidence == 0:
        return 1.0
    ratio = _ratios(predicted, true, confidence)
    place = max(len(ratio) + 1 - math.ceil((len(ratio) + 1) * confidence), 1)
    return min(1.0, float(ratio[place - 1]))


def shared_factor(deviations: npt.ArrayLike, confidence: float) -> float:
    """Factor for all architectures by which so many of their latencies stay below a bound.

    For a predictor that knows the deviation of each prediction: where architectures differ in it,
    the bound is too far off for some and too near for others, and holds on average over them. The
    inverse is a lower bound.

    Args:
        deviations: Standard deviation of log latency around each prediction, positive, ``[N]``.
        confidence: Share of architectures whose true latency shall be within the bound, from 0 to
            below 1; up to one half no margin is needed.

    Raises:
        ConfigurationError: If the confidence is out of range or there are no deviations.

    Examples:
        >>> round(shared_factor([0.1, 0.1], 0.9), 3)
        1.137
    """
    _check(confidence)
    spread = np.asarray(deviations, np.float64)
    if not len(spread):
        raise ConfigurationError(
            "A margin needs the deviations of predictions, and there are none."
        )
    if confidence <= 0.5:
        return 1.0
    least, most = float(scipy.stats.norm.ppf(confidence)) * np.array([spread.min(), spread.max()])

    def excess(log: float) -> float:
        return float(scipy.stats.norm.cdf(log / spread).mean()) - confidence

    return math.exp(scipy.optimize.brentq(excess, 0.99 * least, 1.01 * most))


def _ratios(
    predicted: npt.ArrayLike, true: npt.ArrayLike, confidence: float
) -> npt.NDArray[np.float64]:
    """True over predicted, smallest first."""
    _check(confidence)
    ratio = np.sort(np.asarray(true, np.float64) / np.asarray(predicted, np.float64))
    if not len(ratio):
        raise ConfigurationError("A margin needs validation rows, and there are none.")
    return ratio


def _check(confidence: float) -> None:
    if not 0 <= confidence < 1:
        raise ConfigurationError(f"confidence must be from 0 to below 1, not {confidence}.")
