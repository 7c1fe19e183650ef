"""The bootstrap against explicit loops, and against the limits of chance."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import ConfigurationError, SchemaError
from brpnas.promotion import Difference, bootstrap, paired_bootstrap
from tests.promotion.toys import rows


def arrays(one: float, other: float, count: int = 60):
    first, second = rows(one, count, seed=1), rows(other, count, seed=2)
    return first["true"].to_numpy(), first["predicted"].to_numpy(), second["predicted"].to_numpy()


def slow(true, champion, challenger, statistic, draws):
    """Differences of the resamples, one by one."""
    found = []
    for drawn in draws:
        t, a, b = true[drawn], champion[drawn], challenger[drawn]
        if statistic == "spearman":
            found.append(scipy.stats.spearmanr(t, b)[0] - scipy.stats.spearmanr(t, a)[0])
        else:
            found.append(np.mean(np.abs(np.log(a / t))) - np.mean(np.abs(np.log(b / t))))
    return np.quantile(found, [0.05, 0.95])


@pytest.mark.parametrize("statistic", ["log_error", "spearman"])
@pytest.mark.parametrize("ties", [False, True])
def test_is_what_a_loop_over_the_same_draws_gives(statistic, ties):
    true, champion, challenger = arrays(0.3, 0.2)
    if ties:
        true, champion, challenger = (np.ceil(x * 2) / 2 for x in (true, champion, challenger))
    draws = np.random.default_rng(5).integers(60, size=(50, 60))
    low, high = slow(true, champion, challenger, statistic, draws)
    found = paired_bootstrap(
        true, champion, challenger, statistic, resamples=50, confidence=0.9, seed=5
    )
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize("statistic", ["log_error", "spearman"])
def test_better_wins_worse_loses_and_equal_ties(statistic):
    true, bad, good = arrays(0.4, 0.05, 400)
    win = paired_bootstrap(true, bad, good, statistic)
    loss = paired_bootstrap(true, good, bad, statistic)
    assert win.is_win
    assert win.low < win.value < win.high
    assert not loss.is_win
    assert loss.high < 0
    assert paired_bootstrap(true, good, good, statistic) == Difference(0, 0, 0)


def test_sign_and_unit_of_the_difference():
    true = np.linspace(1, 2, 30)
    found = paired_bootstrap(true, true * np.exp(0.3), true * np.exp(-0.1))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.2, 0.2))


@pytest.mark.parametrize("statistic", ["log_error", "spearman"])
def test_equally_good_models_rarely_win(statistic):
    """At 95 %, one in forty would."""
    wins = 0
    for seed in range(120):
        first, second = rows(0.2, 80, 2 * seed + 10), rows(0.2, 80, 2 * seed + 11)
        columns = first["true"], first["predicted"], second["predicted"]
        wins += paired_bootstrap(*columns, statistic, resamples=400, seed=seed).is_win
    assert wins <= 9  # 3 expected; more than 9 in 1 of 1000 runs


def test_memory_is_bounded_and_changes_nothing(monkeypatch):
    columns = arrays(0.2, 0.1)
    whole = paired_bootstrap(*columns, resamples=500, seed=1)
    monkeypatch.setattr(bootstrap, "_ELEMENTS", 60 * 7)
    assert paired_bootstrap(*columns, resamples=500, seed=1) == whole


def test_seed_decides():
    columns = arrays(0.2, 0.1)
    first = paired_bootstrap(*columns, seed=1)
    assert first == paired_bootstrap(*columns, seed=1)
    assert first != paired_bootstrap(*columns, seed=2)


def test_constant_scores_never_win():
    true = np.arange(1.0, 41)
    found = paired_bootstrap(true, np.ones(40), true, "spearman", resamples=20)
    assert not found.is_win


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_numbers_that_are_no_latency_are_refused(bad, position):
    columns = [x.copy() for x in arrays(0.1, 0.1)]
    columns[position][3] = bad
    with pytest.raises(SchemaError, match=("true", "champion", "challenger")[position]):
        paired_bootstrap(*columns)


def test_scores_may_be_negative_but_not_nan():
    true, champion, challenger = arrays(0.1, 0.1)
    paired_bootstrap(true, champion - 100, challenger - 100, "spearman", resamples=5)
    champion = np.where(np.arange(60) == 0, np.nan, champion)
    with pytest.raises(SchemaError, match="champion"):
        paired_bootstrap(true, champion, challenger, "spearman")


@pytest.mark.parametrize("lengths", [(3, 3, 2), (0, 0, 0)])
def test_lengths_must_agree(lengths):
    with pytest.raises(SchemaError, match="equally long"):
        paired_bootstrap(*(np.ones(n) for n in lengths))


@pytest.mark.parametrize("wrong", [{"resamples": 0}, {"confidence": 1.0}, {"confidence": 0.0}])
def test_settings_must_make_sense(wrong):
    with pytest.raises(ConfigurationError, match="bootstrap"):
        paired_bootstrap(*arrays(0.1, 0.1), **wrong)


def test_equal_rank_correlations_tie_in_every_resample():
    """Two orders with one exchange each; rounding must not turn a tie into a win."""
    true = np.arange(12.0)
    for place in range(10):
        champion, challenger = true.copy(), true.copy()
        champion[[0, 1]] = champion[[1, 0]]
        challenger[[place + 1, place + 2]] = challenger[[place + 2, place + 1]]
        assert paired_bootstrap(true, champion, challenger, "spearman").value == 0


@pytest.mark.filterwarnings("error")
def test_a_constant_resample_gives_nan_without_a_warning():
    true = np.array([1.0, 2.0, 3.0])
    found = paired_bootstrap(true, true, true[::-1], "spearman")
    assert found.value == -2
    assert np.isnan([found.low, found.high]).all()
    assert not found.is_win
