from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import BudgetError, ConfigurationError
from brpnas.search.events import EventLog
from brpnas.search.history import History
from brpnas.search.samplers import BRPSampler, RandomSampler, ReevaluateLeaders, Sampler
from brpnas.testing import SamplerContract, WithReevaluations
from tests.search.toy import (
    SEEDS,
    RidgeRanker,
    ToySpace,
    additive_accuracy,
    history_of,
    make_oracle,
    make_pool,
    run_search,
)
from tests.seeds import first_of


class TestRandomWithReevaluations(WithReevaluations, SamplerContract):
    def make(self) -> Sampler:
        return ReevaluateLeaders(RandomSampler(), self.reevaluations)


def run(sampler: Sampler, budget: int, log: EventLog | None = None, seed: int = 0) -> pd.DataFrame:
    return run_search(
        make_pool(seed), sampler, make_oracle(seed, 0.1), budget, store=log, progress=False
    ).history


def test_the_leaders_are_asked_again_best_first() -> None:
    frame = run(ReevaluateLeaders(RandomSampler(), 4), 30)
    leaders = frame[:26].sort_values("accuracy", ascending=False)["arch_id"][:4]
    assert frame["arch_id"][26:].tolist() == leaders.tolist()
    assert frame["arch_id"][:26].is_unique


def test_who_leads_is_for_the_inner_sampler_to_estimate() -> None:
    inner = BRPSampler(RidgeRanker, rounds=4, choose_by="ranker")
    result = run_search(
        make_pool(), ReevaluateLeaders(inner, 4), make_oracle(0, 0.1), 24, progress=False
    )
    first = History(result.records.records[:20])
    estimates = inner.estimates(make_pool(), first)
    assert estimates is not None
    want = sorted(estimates, key=lambda word: -estimates[word])[:4]
    assert result.history["arch_id"][20:].tolist() == want
    assert want != sorted(first.means(), key=lambda word: -first.means()[word])[:4]


def test_second_answers_are_of_other_seeds() -> None:
    frame = run(ReevaluateLeaders(RandomSampler(), 15), 30)
    assert frame["arch_id"].value_counts().tolist() == [2] * 15
    assert (frame.groupby("arch_id")["seed"].nunique() == 2).all()


def test_when_all_are_repeated_the_third_seeds_follow() -> None:
    frame = run(ReevaluateLeaders(RandomSampler(), 20), 30)
    assert (frame.groupby("arch_id")["seed"].nunique() == len(SEEDS)).all()
    assert frame["round"].tolist() == [0] * 10 + [1] * 10 + [2] * 10


def test_the_inner_sampler_searches_with_the_rest() -> None:
    frame = run(ReevaluateLeaders(BRPSampler(RidgeRanker, rounds=4), 6), 46)
    alone = run(BRPSampler(RidgeRanker, rounds=4), 40)
    assert frame["arch_id"][:40].tolist() == alone["arch_id"].tolist()


def test_a_raised_budget_holds_its_own_last_queries_back() -> None:
    log = EventLog()
    sampler = ReevaluateLeaders(RandomSampler(), 3)
    run(sampler, 20, log)
    frame = run(sampler, 40, log)
    is_repeat = frame["arch_id"].duplicated()
    assert is_repeat[is_repeat].index.tolist() == [17, 18, 19, 37, 38, 39]


def test_without_an_answer_there_is_no_leader() -> None:
    history = history_of(("aaaa", None), ("abcd", None))
    asked = ReevaluateLeaders(RandomSampler(), 2).ask(make_pool(), history, 4)
    assert len(asked) == 2
    assert not {"aaaa", "abcd"} & set(asked)


@pytest.mark.parametrize("seeds", first_of([range(8), range(8, 38)]))
def test_reevaluations_choose_better_when_answers_are_noisy(seeds: range) -> None:
    words = ToySpace().enumerate()
    true = dict(zip(words, additive_accuracy(words), strict=True))
    found: dict[int, list[float]] = {0: [], 20: []}
    for seed in seeds:
        for count, list_ in found.items():
            pool, oracle = make_pool(seed), make_oracle(seed, 0.1)
            sampler = ReevaluateLeaders(RandomSampler(), count)
            result = run_search(pool, sampler, oracle, 60, progress=False)
            list_.append(true[result.chosen])
    assert np.mean(found[20]) > np.mean(found[0])


def test_a_budget_of_reevaluations_alone_is_refused() -> None:
    with pytest.raises(BudgetError, match=r" 5 .* 5 .*reevaluations"):
        ReevaluateLeaders(RandomSampler(), 5).ask(make_pool(), History(), 5)


def test_a_negative_number_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="negative"):
        ReevaluateLeaders(RandomSampler(), -1)
