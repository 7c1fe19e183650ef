"""Samplers with infeasible wishes: the queries of a round, and the end of the search."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import InfeasibleError
from brpnas.search import CandidatePool, History
from brpnas.search.samplers import BRPSampler, EvolutionSampler, RandomSampler, ReevaluateLeaders
from tests.search.toy import RidgeRanker, make_pool, make_sampled_pool, measured_limits

from .test_filter import BUDGET, Counting, filter_of, search


class Stubborn(RandomSampler):
    """Proposes feasible architectures, also refused ones."""

    def ask(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        listed = pool.shortlist(history)
        return listed.names(np.flatnonzero(listed.is_open)[:3])


def test_a_sampler_that_asks_for_what_was_refused_is_told() -> None:
    with pytest.raises(InfeasibleError, match=r"must check `is_allowed`"):
        search(Stubborn(), filter_of(), make_pool(limits=measured_limits(2, 9)))


@pytest.mark.parametrize("candidates", [5, 20, 40])
def test_a_sample_without_any_within_the_limit_does_not_end_an_open_search(candidates: int) -> None:
    pool = make_sampled_pool(limits=measured_limits(3, 99), candidates=candidates)
    result = search(BRPSampler(RidgeRanker, rounds=4), filter_of(), pool, budget=20)
    assert len(result.history) == 20


def test_a_space_without_an_end_is_not_measured_without_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("brpnas.search.proposals._PATIENCE", 20)
    measure, pool = Counting(), make_sampled_pool(limits=measured_limits(0.05, 9))
    with pytest.raises(InfeasibleError, match="none does"):
        search(EvolutionSampler(population=6), filter_of(measure), pool)
    assert 20 <= len(measure.measured) < 40


def test_what_is_held_back_for_reevaluations_is_spent_on_them_when_nothing_else_is_left() -> None:
    sampler = ReevaluateLeaders(BRPSampler(RidgeRanker, rounds=4), 4)
    result = search(sampler, filter_of(), make_pool(limits=measured_limits(0.5, 9)))
    counts = result.history["arch_id"].value_counts()
    assert len(result.history) < BUDGET
    assert counts.sum() - len(counts) == min(4, len(counts))
