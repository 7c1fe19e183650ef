"""Conformal ratios: bounds of the true latency around a predicted one."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError

__all__ = ["lower_ratio", "mixture_ratio", "upper_ratio"]


def upper_ratio(predicted: npt.ArrayLike, true: npt.ArrayLike, confidence: float) -> float:
    """Ratio of an upper bound of the true latency to the predicted one.

    It is the conformal quantile of true over predicted latency on validation rows (Lei et al.,
    JASA 2018, arXiv 1604.04173), and at least 1.

    Args:
        predicted: Predicted latencies of validation rows, shape ``[N]``.
        true: Their measured latencies, in the same unit.
        confidence: Probability that the true latency is within the bound, from 0 to below 1; 0 for
            the ratio 1.

    Raises:
        ConfigurationError: If the confidence is out of range or there are no rows.

    Examples:
        >>> upper_ratio([1.0, 1.0, 2.0], [0.9, 1.2, 2.2], 0.5)
        1.1
    """
    return 1.0 if confidence == 0 else max(1.0, _quantile(predicted, true, confidence))


def lower_ratio(predicted: npt.ArrayLike, true: npt.ArrayLike, confidence: float) -> float:
    """Ratio of a lower bound of the true latency to the predicted one, at most 1.

    The mirror image of `upper_ratio`: an architecture with its lower bound over a limit need not be
    measured.

    Args:
        predicted: Predicted latencies of validation rows, shape ``[N]``.
        true: Their measured latencies, in the same unit.
        confidence: Probability that the true latency is above the bound, from 0 to below 1; 0 for
            the ratio 1.

    Raises:
        ConfigurationError: If the confidence is out of range or there are no rows.

    Examples:
        >>> lower_ratio([1.0, 1.0, 2.0], [0.9, 1.2, 2.2], 0.7)
        0.9
    """
    if confidence == 0:
        return 1.0
    return min(1.0, _quantile(predicted, true, confidence, from_above=True))


def mixture_ratio(deviations: npt.ArrayLike, confidence: float) -> float:
    """One ratio for all architectures, from the deviation of each prediction.

    The bound holds on average over the architectures: it is too wide for those of a small deviation
    and too narrow for those of a large one. The inverse is the ratio of a lower bound.

    Args:
        deviations: Standard deviation of log latency around each prediction, positive, ``[N]``.
        confidence: Probability that a true latency is within its bound, from 0 to below 1; the
            ratio is 1 up to one half.

    Raises:
        ConfigurationError: If the confidence is out of range or there are no deviations.

    Examples:
        >>> round(mixture_ratio([0.1, 0.1], 0.9), 3)
        1.137
    """
    _check(confidence)
    import scipy.optimize  # noqa: PLC0415 - takes a third of a second, and only few rows need it
    import scipy.stats  # noqa: PLC0415

    spread = np.asarray(deviations, np.float64)
    if not len(spread):
        raise ConfigurationError("A conformal ratio needs 1 predicted deviation or more, not 0.")
    if confidence <= 0.5:
        return 1.0
    least, most = float(scipy.stats.norm.ppf(confidence)) * np.array([spread.min(), spread.max()])

    def excess(log: float) -> float:
        return float(scipy.stats.norm.cdf(log / spread).mean()) - confidence

    return math.exp(scipy.optimize.brentq(excess, 0.99 * least, 1.01 * most))


def _quantile(
    predicted: npt.ArrayLike, true: npt.ArrayLike, confidence: float, *, from_above: bool = False
) -> float:
    """Conformal quantile of true over predicted, of the smallest or of the largest first."""
    _check(confidence)
    ratio = np.sort(np.asarray(true, np.float64) / np.asarray(predicted, np.float64))
    if not len(ratio):
        raise ConfigurationError("A conformal ratio needs 1 validation row or more, not 0.")
    place = min(math.ceil((len(ratio) + 1) * confidence), len(ratio))
    return float(ratio[-place if from_above else place - 1])


def _check(confidence: float) -> None:
    if not 0 <= confidence < 1:
        raise ConfigurationError(f"confidence must be from 0 to below 1, not {confidence}.")
