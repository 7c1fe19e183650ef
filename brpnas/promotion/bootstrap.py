"""The paired bootstrap: a significance test of one model against another.

Both models predict the same rows. Rows are resampled with replacement many times, and the models
are compared on each resample; the interval holds the middle of the differences. Both see the same
resample, so the difficulty of a row cancels out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.metrics import spearman

__all__ = ["Difference", "Statistic", "paired_bootstrap"]

FloatArray: TypeAlias = npt.NDArray[np.float64]

Statistic = Literal["log_error", "spearman"]
"""Statistic of the comparison.

``log_error``: mean of ``|log(predicted / true)|``, the relative error of values in real units;
smaller is better. ``spearman``: rank correlation with the truth, for scores without a unit; larger
is better."""

_ELEMENTS = 2**22
"""Numbers drawn at a time: memory is bounded for any number of rows."""


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
    rng = np.random.default_rng(seed)
    compare = _log_error if statistic == "log_error" else _spearman
    value, differences = compare(arrays[0], arrays[1], arrays[2], rng, resamples)
    tail = (1 - confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return Difference(value, float(low), float(high))


_Compared: TypeAlias = tuple[float, FloatArray]


def _log_error(
    true: FloatArray,
    champion: FloatArray,
    challenger: FloatArray,
    rng: np.random.Generator,
    resamples: int,
) -> _Compared:
    gain = np.abs(np.log(champion / true)) - np.abs(np.log(challenger / true))
    means = [gain[rows].mean(axis=1) for rows in _draws(rng, len(gain), resamples)]
    return float(gain.mean()), np.concatenate(means)


def _spearman(
    true: FloatArray,
    champion: FloatArray,
    challenger: FloatArray,
    rng: np.random.Generator,
    resamples: int,
) -> _Compared:
    rank_true, rank_champion, rank_challenger = map(_ranker, (true, champion, challenger))
    differences = []
    for rows in _draws(rng, len(true), resamples):
        offsets = np.arange(len(rows))[:, None] * len(true)
        counts = np.bincount((rows + offsets).ravel(), minlength=rows.size).reshape(rows.shape)
        truth = rank_true(counts)
        differences.append(
            _correlation(counts, truth, rank_challenger(counts))
            - _correlation(counts, truth, rank_champion(counts))
        )
    value = spearman(true, challenger) - spearman(true, champion)
    return value, np.concatenate(differences)


def _draws(rng: np.random.Generator, count: int, resamples: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows of the resamples, shape ``[some, N]`` at a time."""
    step = max(1, _ELEMENTS // count)
    for start in range(0, resamples, step):
        yield rng.integers(count, size=(min(step, resamples - start), count))


def _ranker(values: FloatArray) -> Callable[[npt.NDArray[np.int64]], FloatArray]:
    """A function from counts of drawn rows, ``[R, N]``, to ranks with ties averaged."""
    _, inverse, sizes = np.unique(values, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])

    def rank(counts: npt.NDArray[np.int64]) -> FloatArray:
        groups = np.add.reduceat(counts[:, order], starts, axis=1)
        middle = np.cumsum(groups, axis=1) - (groups - 1) / 2
        return np.asarray(middle[:, inverse], np.float64)

    return rank


def _correlation(counts: npt.NDArray[np.int64], x: FloatArray, y: FloatArray) -> FloatArray:
    """Correlation of each resample; NaN if one side is constant."""
    centre = (counts.shape[1] + 1) / 2  # the mean rank of any resample
    x, y = x - centre, y - centre
    cross, own, other = ((counts * a * b).sum(axis=1) for a, b in ((x, y), (x, x), (y, y)))
    with np.errstate(invalid="ignore"):
        return np.asarray(cross / np.sqrt(own * other), np.float64)


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
