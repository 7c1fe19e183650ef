from __future__ import annotations

import numpy as np
import pytest

from brpnas.conformal import lower_ratio, mixture_ratio, upper_ratio
from brpnas.errors import ConfigurationError


def literal_ratio(predicted: np.ndarray, true: np.ndarray, confidence: float) -> float:
    """The smallest ratio that at least (n + 1) * confidence of the n ratios do not exceed."""
    ratios = [t / p for t, p in zip(true, predicted, strict=True)]
    enough = [r for r in ratios if sum(x <= r for x in ratios) >= (len(ratios) + 1) * confidence]
    return max(1.0, min(enough, default=max(ratios)))


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("rows", [5, 99, 100])
def test_ratio_is_the_quantile_counted_by_hand(rows: int, confidence: float) -> None:
    rng = np.random.default_rng(rows)
    true, predicted = rng.uniform(1, 9, rows), rng.uniform(1, 9, rows)
    found = upper_ratio(predicted, true, confidence)
    assert found == pytest.approx(literal_ratio(predicted, true, confidence))


def literal_lower(predicted: np.ndarray, true: np.ndarray, confidence: float) -> float:
    """The largest ratio that at least (n + 1) * confidence of the n ratios are not below."""
    ratios = [t / p for t, p in zip(true, predicted, strict=True)]
    need = (len(ratios) + 1) * confidence - 1e-9
    enough = [r for r in ratios if sum(x >= r for x in ratios) >= need]
    return min(1.0, max(enough, default=min(ratios)))


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("rows", [5, 99, 100])
def test_lower_ratio_is_the_quantile_counted_by_hand(rows: int, confidence: float) -> None:
    rng = np.random.default_rng(rows)
    true, predicted = rng.uniform(1, 9, rows), rng.uniform(1, 9, rows)
    found = lower_ratio(predicted, true, confidence)
    assert found == pytest.approx(literal_lower(predicted, true, confidence))


def test_new_cells_are_ruled_out_as_seldom_as_promised() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        error = rng.lognormal(0, 0.1, 300)
        ratio = lower_ratio(np.ones(100), error[:100], 0.9)
        covered.append((error[100:] >= ratio).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_new_cells_are_within_the_bound_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        error = rng.lognormal(0, 0.1, 300)
        ratio = upper_ratio(np.ones(100), error[:100], 0.9)
        covered.append((error[100:] <= ratio).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_it_never_loosens_a_limit() -> None:
    assert upper_ratio(np.full(20, 2.0), np.ones(20), 0.9) == 1.0


def test_what_is_only_to_be_ruled_out_is_never_ruled_out_sooner_than_by_prediction() -> None:
    assert lower_ratio(np.ones(20), np.full(20, 2.0), 0.9) == 1.0


def test_no_confidence_no_ratio_above_one() -> None:
    assert upper_ratio([1.0], [2.0], 0) == lower_ratio([2.0], [1.0], 0) == 1.0
    assert upper_ratio([], [], 0) == lower_ratio([], [], 0) == 1.0


@pytest.mark.parametrize("confidence", [-0.1, 1.0, 1.5])
def test_a_confidence_out_of_range_is_refused(confidence: float) -> None:
    with pytest.raises(ConfigurationError, match=r"confidence"):
        upper_ratio([1.0], [1.0], confidence)
    with pytest.raises(ConfigurationError, match=r"confidence"):
        lower_ratio([1.0], [1.0], confidence)


def test_no_rows_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"validation row.* 0"):
        upper_ratio([], [], 0.9)
    with pytest.raises(ConfigurationError, match=r"validation row.* 0"):
        lower_ratio([], [], 0.9)


class TestShared:
    @pytest.mark.parametrize("confidence", [0.6, 0.9, 0.99])
    def test_keeps_that_share_of_latencies_below(self, confidence: float) -> None:
        rng = np.random.default_rng(0)
        deviations = rng.uniform(0.02, 0.4, 20_000)
        true = np.exp(deviations * rng.normal(size=len(deviations)))
        ratio = mixture_ratio(deviations, confidence)
        assert (true <= ratio).mean() == pytest.approx(confidence, abs=0.01)
        assert (true >= 1 / ratio).mean() == pytest.approx(confidence, abs=0.01)

    def test_of_equal_deviations_is_the_quantile(self) -> None:
        assert mixture_ratio(np.full(5, 0.2), 0.9) == pytest.approx(np.exp(0.2 * 1.2815516))

    @pytest.mark.parametrize("confidence", [0, 0.2, 0.5])
    def test_up_to_one_half_needs_none(self, confidence: float) -> None:
        assert mixture_ratio([0.1, 0.3], confidence) == 1.0

    def test_what_it_needs(self) -> None:
        with pytest.raises(ConfigurationError, match=r"from 0 to below 1"):
            mixture_ratio([0.1], 1.0)
        with pytest.raises(ConfigurationError, match=r"deviation.* 0"):
            mixture_ratio([], 0.9)
