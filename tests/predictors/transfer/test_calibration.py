"""Factors of intervals: from many rows, from few rows, and their coverage."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import ConfigurationError
from brpnas.predictors.transfer.calibration import calibrate

NORMAL = scipy.stats.norm.ppf(0.95)


def expected(rows: int) -> float:
    """Of a prediction from so many rows: 0.75 deviations at first, 1.75 from 20 rows on."""
    return float((0.75 + min(rows, 20) / 20) * NORMAL)


def draws(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count)


def test_many_normal_rows_give_the_normal_factor() -> None:
    assert calibrate(draws(100_000), np.ones(100_000), 0.9) == pytest.approx(NORMAL, abs=0.02)
    assert abs(NORMAL - 1.645) < 1e-3


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.99])
def test_many_rows_give_the_quantile_of_any_distribution(coverage: float) -> None:
    errors = np.random.default_rng(1).laplace(size=100_000)
    exact = -np.log(1 - coverage)  # of the absolute value of a Laplace variable
    assert calibrate(errors, np.ones(len(errors)), coverage) == pytest.approx(exact, rel=0.03)


def test_errors_count_in_deviations() -> None:
    deviations = np.exp(draws(5000, seed=2))
    errors = draws(5000, seed=3)
    same = calibrate(errors, np.ones(5000), 0.9)
    assert calibrate(errors * deviations, deviations, 0.9) == pytest.approx(same)
    assert calibrate(-errors, np.ones(5000), 0.9) == same
    assert calibrate(errors, np.full(5000, 0.5), 0.9) > 1.9 * same


def test_without_a_prior_rows_alone_decide() -> None:
    scores = np.arange(1.0, 20.0)
    shuffled = np.random.default_rng(0).permutation(scores)
    factor = calibrate(shuffled, np.ones(19), 0.9, prior_rows=0)
    assert abs((scores <= factor).mean() - 0.9) < 1 / 19
    assert 4 < calibrate(scores[:5], np.ones(5), 0.9, prior_rows=0) <= 5


def test_rows_and_the_expected_factor_are_mixed_on_the_logarithm() -> None:
    ten = np.full(10, 8.0)
    mixed = calibrate(ten, np.ones(10), 0.9, prior_rows=30)
    assert mixed == pytest.approx(np.exp(0.1 * np.log(8) + 0.9 * np.log(expected(10))))


def test_few_rows_are_trusted_less() -> None:
    factors = [calibrate(np.full(n, 5.0), np.ones(n), 0.9) for n in (1, 5, 20, 100, 1000)]
    assert expected(1) < factors[0] < 1.1 * expected(1)
    assert factors == sorted(factors)
    assert factors[-1] == pytest.approx(5, rel=0.05)


def test_more_coverage_is_wider() -> None:
    factors = [calibrate(draws(300), np.ones(300), c) for c in (0.5, 0.7, 0.9, 0.95, 0.99)]
    assert factors == sorted(set(factors))


def share_covered(rows: int, scale: float) -> float:
    """Mean coverage of new rows with normal errors, ``scale`` times the predicted deviation."""
    rng = np.random.default_rng(rows)
    shares = []
    for _ in range(300):
        deviations = np.exp(0.5 * rng.normal(size=rows))
        factor = calibrate(scale * deviations * rng.normal(size=rows), deviations, 0.9)
        shares.append((np.abs(scale * rng.normal(size=500)) <= factor).mean())
    return float(np.mean(shares))


@pytest.mark.parametrize("rows", [5, 10, 40, 200, 1000])
def test_fresh_rows_are_covered(rows: int) -> None:
    """Errors are normal, with the predicted deviations."""
    covered = share_covered(rows, 1)
    assert covered > 0.87
    if rows >= 200:
        assert covered == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize(("scale", "uncalibrated"), [(1.3, 0.794), (0.7, 0.981)])
def test_rows_correct_deviations_that_are_wrong(scale: float, uncalibrated: float) -> None:
    """Those of few rows are too small as a rule: that is expected, not learnt from them."""
    apart = [abs(share_covered(rows, scale) - 0.9) for rows in (40, 200, 1000)]
    assert apart[1] < abs(uncalibrated - 0.9) / 2
    assert apart[-1] < 0.015
    if scale < 1:
        assert apart == sorted(apart, reverse=True)


def test_errors_of_zero_give_a_narrow_interval_not_none() -> None:
    factor = calibrate(np.zeros(1000), np.ones(1000), 0.9)
    assert 0 < factor < 0.01


@pytest.mark.parametrize("coverage", [0, 1, -0.1, 90, float("nan")])
def test_a_share_out_of_range_is_refused(coverage: float) -> None:
    with pytest.raises(ConfigurationError, match="coverage"):
        calibrate(draws(10), np.ones(10), coverage)


def test_no_rows_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="without rows"):
        calibrate(np.array([]), np.array([]), 0.9)
