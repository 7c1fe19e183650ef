"""Metrics against scipy, against slow loops written from the definitions, and on bad input."""

import math
import warnings

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import BrpNasError, SchemaError
from brpnas.metrics import (
    kendall,
    mape,
    regression_metrics,
    share_interval,
    spearman,
    spearman_interval,
    within,
)

ALL_OF_TWO = [spearman, kendall, mape, regression_metrics, lambda p, t: within(p, t, 0.1)]


def slow_kendall(a, b):
    """tau-b from its definition: every pair, one by one."""
    concordant = discordant = ties_a = ties_b = 0
    for i in range(len(a)):
        for j in range(i):
            product = (a[i] - a[j]) * (b[i] - b[j])
            concordant += product > 0
            discordant += product < 0
            ties_a += a[i] == a[j]
            ties_b += b[i] == b[j]
    pairs = len(a) * (len(a) - 1) / 2
    return (concordant - discordant) / math.sqrt((pairs - ties_a) * (pairs - ties_b))


def slow_ranks(x):
    """Mean rank of each value among all, counted one by one."""
    return [sum(y < v for y in x) + (sum(y == v for y in x) + 1) / 2 for v in x]


def slow_spearman(a, b):
    """Pearson's correlation of the ranks."""
    ranks_a, ranks_b = slow_ranks(a), slow_ranks(b)
    mean = (len(a) + 1) / 2
    covariance = sum((x - mean) * (y - mean) for x, y in zip(ranks_a, ranks_b, strict=True))
    spread = [sum((x - mean) ** 2 for x in ranks) for ranks in (ranks_a, ranks_b)]
    return covariance / math.sqrt(spread[0] * spread[1])


@pytest.fixture(params=["without ties", "with ties"])
def pair(request):
    rng = np.random.default_rng(7)
    true = rng.lognormal(size=60) + 0.1
    predicted = true * rng.normal(1, 0.1, size=60)
    if request.param == "with ties":
        return np.round(predicted, 1) + 0.1, np.round(true, 1) + 0.1
    return predicted, true


class TestRankCorrelations:
    def test_spearman_equals_the_slow_loop_and_scipy(self, pair):
        assert spearman(*pair) == pytest.approx(slow_spearman(*pair), abs=1e-12)
        assert spearman(*pair) == pytest.approx(scipy.stats.spearmanr(*pair)[0], abs=1e-12)

    def test_kendall_equals_the_slow_loop_and_scipy(self, pair):
        assert kendall(*pair) == pytest.approx(slow_kendall(*pair), abs=1e-12)
        assert kendall(*pair) == pytest.approx(scipy.stats.kendalltau(*pair)[0], abs=1e-12)

    @pytest.mark.parametrize("correlation", [spearman, kendall])
    def test_order_alone_counts(self, correlation, pair):
        predicted, true = pair
        assert correlation(np.log(predicted), true) == correlation(predicted, true)
        assert correlation(true, true) == pytest.approx(1)
        assert correlation(-true, true) == pytest.approx(-1)
        assert correlation(predicted, true) == pytest.approx(correlation(true, predicted))

    @pytest.mark.parametrize("correlation", [spearman, kendall])
    @pytest.mark.parametrize(
        ("a", "b"),
        [([5, 5, 5], [1, 2, 3]), ([1, 2, 3], [5, 5, 5]), ([0, 0], [0, 0]), ([1.0], [2.0])],
    )
    def test_constant_is_nan_without_a_warning(self, correlation, a, b):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert math.isnan(correlation(a, b))


class TestRelativeErrors:
    def test_within_equals_the_slow_loop(self, pair):
        for bound in (0.0, 0.01, 0.05, 0.1, 1.0):
            hits = [abs(p / t - 1) <= bound for p, t in zip(*pair, strict=True)]
            assert within(*pair, bound) == sum(hits) / len(hits)

    def test_mape_equals_the_slow_loop(self, pair):
        errors = [abs(p - t) / t for p, t in zip(*pair, strict=True)]
        assert mape(*pair) == pytest.approx(sum(errors) / len(errors), rel=1e-12)

    def test_error_is_relative_to_the_truth_not_to_the_prediction(self):
        assert within([1.5], [1.0], 0.4) == 0.0  # |1 / 1.5 - 1| would be 0.33
        assert mape([1.5], [1.0]) == 0.5

    def test_bound_is_inclusive(self):
        assert within([1.25, 0.75], [1.0, 1.0], 0.25) == 1.0

    @pytest.mark.parametrize("bound", [-0.1, float("nan")])
    def test_bound_must_be_a_fraction(self, bound):
        with pytest.raises(SchemaError, match=rf"bound .* 0\.1 .*, not {bound}\."):
            within([1.0], [1.0], bound)

    @pytest.mark.parametrize("metric", [mape, regression_metrics])
    def test_zero_truth_is_refused_with_its_row(self, metric):
        with pytest.raises(SchemaError, match=r"1 true value.* zero .*row 2\b"):
            metric([1.0, 1.0, 1.0], [1.0, 2.0, 0.0])


class TestRegressionMetrics:
    def test_agrees_with_the_single_functions(self, pair):
        metrics = regression_metrics(*pair)
        assert metrics == {
            "within_1": within(*pair, 0.01),
            "within_5": within(*pair, 0.05),
            "within_10": within(*pair, 0.1),
            "spearman": spearman(*pair),
            "kendall": kendall(*pair),
            "mape": mape(*pair),
        }
        assert 0 < metrics["within_1"] < metrics["within_5"] < metrics["within_10"] < 1
        assert all(type(value) is float for value in metrics.values())

    def test_perfect_prediction(self):
        true = [0.5, 1.5, 4.0]
        metrics = regression_metrics(true, true)
        assert metrics.pop("mape") == 0.0
        assert metrics == pytest.approx(dict.fromkeys(metrics, 1.0))


class TestBadInput:
    @pytest.mark.parametrize("metric", ALL_OF_TWO)
    @pytest.mark.parametrize(
        ("a", "b", "message"),
        [
            ([], [], r"shape \(0,\)"),
            ([1.0, 2.0], [1.0], r"shape \(2,\) and .* has shape \(1,\)"),
            ([[1.0, 2.0]], [[1.0, 2.0]], r"flat arrays; .* shape \(1, 2\)"),
            (1.0, 2.0, "flat arrays"),
            ([1.0, float("nan")], [1.0, 2.0], "1 NaN .*row 1"),
            ([1.0, 2.0], [float("inf"), 2.0], "1 NaN .*row 0"),
        ],
        ids=["empty", "lengths", "matrix", "scalar", "nan", "infinite"],
    )
    def test_is_refused_by_every_metric(self, metric, a, b, message):
        with pytest.raises(SchemaError, match=message):
            metric(a, b)

    def test_the_message_names_the_argument(self):
        with pytest.raises(SchemaError, match="'predicted' holds 2 "):
            mape([float("nan"), 1.0, float("-inf")], [1.0, 1.0, 1.0])
        assert issubclass(SchemaError, ValueError)
        assert issubclass(SchemaError, BrpNasError)


class TestIntervals:
    @pytest.mark.parametrize("rho", [0.3, 0.9])
    @pytest.mark.parametrize("rows", [10, 60])
    def test_of_spearman_hold_as_often_as_they_say(self, rho: float, rows: int) -> None:
        rng = np.random.default_rng(0)
        pearson = 2 * np.sin(np.pi * rho / 6)
        held = []
        for _ in range(400):
            x, y = rng.multivariate_normal([0, 0], [[1, pearson], [pearson, 1]], rows).T
            low, high = spearman_interval(spearman(x, y), rows)
            held.append(low <= rho <= high)
        assert 0.84 < np.mean(held) < 0.98

    def test_two_rows_in_order_say_nothing(self) -> None:
        for rows in (2, 3, 4):
            assert spearman_interval(1.0, rows) == (-1.0, 1.0)
        low, high = spearman_interval(1.0, 8)
        assert 0.5 < low < 0.95
        assert high < 1
        assert spearman_interval(float("nan"), 100) == (-1.0, 1.0)

    def test_of_a_share_is_wilsons(self) -> None:
        """Against the end points that solve the score equation."""
        for share, rows in ((0.0, 10), (0.4, 5), (0.95, 200), (1.0, 2)):
            low, high = share_interval(share, rows)
            assert low + 1e-12 >= 0
            assert high <= 1 + 1e-12
            for end in (low, high):
                if 1e-9 < end < 1 - 1e-9:
                    score = abs(share - end) / np.sqrt(end * (1 - end) / rows)
                    assert score == pytest.approx(1.6448536)
