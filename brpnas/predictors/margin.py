"""How far a true latency may be from the predicted one: margins that a limit is kept with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError

__all__ = ["lower_factor", "upper_factor"]


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

    Example:
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

    Example:
        >>> lower_factor([1.0, 1.0, 2.0], [0.9, 1.2, 2.2], 0.7)
        0.9
    """
    if confidence == 0:
        return 1.0
    ratio = _ratios(predicted, true, confidence)
    place = max(len(ratio) + 1 - math.ceil((len(ratio) + 1) * confidence), 1)
    return min(1.0, float(ratio[place - 1]))


def _ratios(
    predicted: npt.ArrayLike, true: npt.ArrayLike, confidence: float
) -> npt.NDArray[np.float64]:
    """True over predicted, smallest first."""
    if not 0 <= confidence < 1:
        raise ConfigurationError(f"confidence must be from 0 to below 1, not {confidence}.")
    ratio = np.sort(np.asarray(true, np.float64) / np.asarray(predicted, np.float64))
    if not len(ratio):
        raise ConfigurationError("A margin needs validation rows, and there are none.")
    return ratio
