"""The paired bootstrap: a significance test of one model against another.

Both models predict the same rows. Rows are resampled with replacement many times, and the models
are compared on each resample; the interval holds the middle of the differences. Both see the same
resample, so the difficulty of a row cancels out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import scipy.stats

from brpnas.errors import ConfigurationError, SchemaError

__all__ = ["Difference", "Statistic", "paired_bootstrap"]

FloatArray: TypeAlias = npt.NDArray[np.float64]

Statistic = Literal["log_error", "spearman"]
"""Statistic of the comparison.

``log_error``: mean of ``|log(predicted / true)|``, the relative error of values in real units;
smaller is better. ``spearman``: rank correlation with the truth, for scores without a unit; larger
is better."""

_ELEMENTS = 2**22
"""Numbers drawn at a time; memory is bounded for any number of rows."""


@dataclass(frozen=True)
class Difference:
    """How much better the challenger is than the champion, with its confidence interval.

    ``value`` is the difference of the statistic on all rows, positive if the challenger is better.
    """

    value: float
    low: float
    high: float

    @property
    def is_win(self) -> bool:
        """Whether the whole interval is positive; never for a tie or NaN."""
        return self.value > 0 and self.low > 0 and self.high > 0


def paired_bootstrap(
    true: npt.ArrayLike,
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    statistic: Statistic = "log_error",
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Compare two models on the same rows.

    Args:
        true: Measured values, shape ``[N]``.
        champion: Predictions of the champion, shape ``[N]``.
        challenger: Predictions of the challenger, shape ``[N]``.
        statistic: Statistic to compare.
        resamples: Number of resamples.
        confidence: Share of the resampled differences within the interval.
        seed: Decides the draws.

    Raises:
        SchemaError: If the arrays differ in length, are empty or hold NaN or infinity, or, for
            ``log_error``, a number of 0 or less.
        ConfigurationError: If ``resamples`` or ``confidence`` is out of range.

    Examples:
        >>> true = np.linspace(1, 2, 50)
        >>> paired_bootstrap(true, true * 1.2, true * 1.1).is_win
        True
        >>> paired_bootstrap(true, true * 1.1, true * 1.1).is_win
        False
    """
    if resamples < 1 or not 0 < confidence < 1:
        raise ConfigurationError(
            f"A bootstrap needs 1 or more resamples and a confidence between 0 and 1, not "
            f"{resamples} and {confidence}."
        )
    arrays = [np.asarray(x, np.float64) for x in (true, champion, challenger)]
    _check(arrays, positive=statistic == "log_error")
    compare: Callable[..., Any] = _spearman_gain
    if statistic == "log_error":
        first, second = (np.abs(np.log(x / arrays[0])) for x in arrays[1:])
        arrays, compare = [first - second], np.mean
    value = float(compare(*arrays, axis=-1))
    if arrays[0].size == 1 or math.isnan(value):  # nothing to resample
        return Difference(value, value, value)
    with warnings.catch_warnings():  # NaN is the answer if a resample is constant
        warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)
        interval = scipy.stats.bootstrap(
            arrays,
            compare,
            n_resamples=resamples,
            batch=max(1, _ELEMENTS // arrays[0].size),
            vectorized=True,
            paired=True,
            confidence_level=confidence,
            method="percentile",
            rng=seed,
        ).confidence_interval
    return Difference(value, float(interval.low), float(interval.high))


def _spearman_gain(
    true: FloatArray, champion: FloatArray, challenger: FloatArray, axis: int
) -> FloatArray:
    """Difference of the rank correlations; NaN if one side is constant.

    The sums are exact, so equal correlations have the difference 0.
    """
    centre = (true.shape[axis] + 1) / 2
    truth, *sides = (
        scipy.stats.rankdata(x, axis=axis) - centre for x in (true, champion, challenger)
    )
    own = (truth**2).sum(axis=axis)
    with np.errstate(invalid="ignore"):
        first, second = (
            (truth * x).sum(axis=axis) / np.sqrt(own * (x**2).sum(axis=axis)) for x in sides
        )
    return np.asarray(second - first)


def _check(arrays: list[FloatArray], *, positive: bool) -> None:
    shapes = {x.shape for x in arrays}
    if len(shapes) != 1 or arrays[0].ndim != 1 or not arrays[0].size:
        raise SchemaError(f"A bootstrap compares equally long, flat arrays, not {shapes}.")
    for name, x in zip(("true", "champion", "challenger"), arrays, strict=True):
        bad = ~np.isfinite(x) | (positive & (x <= 0))
        if bad.any():
            raise SchemaError(
                f"{name!r} holds {int(bad.sum())} value(s) out of range or not finite: refuse the "
                "model, or leave these rows out."
            )
