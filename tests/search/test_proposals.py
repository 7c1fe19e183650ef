"""Samplers with infeasible wishes: the queries of a round, and the end of the search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from brpnas.errors import InfeasibleError
from brpnas.search import CandidatePool, History, Limits, Sampler
from brpnas.search.events import EventLog
from brpnas.search.fronts import FrontSampler, NSGA2Sampler, Objectives, search_front
from brpnas.search.limits import Source
from brpnas.search.samplers import BRPSampler, EvolutionSampler, RandomSampler, ReevaluateLeaders
from tests.search.toy import (
    RidgeRanker,
    make_pool,
    make_sampled_pool,
    measured_limits,
)

from .test_filter import BUDGET, PREDICTED, TRUE, Counting, filter_of, search

TWO = Objectives.parse(["accuracy", "-latency_ms"])


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


def cost_limits(measurements: int, **choices: Any) -> Limits:
    sources: dict[str, Source] = {"latency_ms": "table"}
    return Limits(sources=sources, costs=("latency_ms",), measurements=measurements, **choices)


def front_samplers() -> list[Sampler]:
    front = FrontSampler(RidgeRanker, objectives=TWO, rounds=4)
    return [
        front,
        FrontSampler(RidgeRanker, objectives=TWO, rounds=4, spread="limits"),
        NSGA2Sampler(objectives=TWO, population=6),
        RandomSampler(),
        ReevaluateLeaders(front, 4),
    ]


every_front_sampler = pytest.mark.parametrize(
    "sampler", front_samplers(), ids=lambda each: str(sorted(each.describe()))
)


@every_front_sampler
def test_costs_of_proposals_are_measured_within_the_share_of_each_round(sampler: Sampler) -> None:
    most = 45
    measure, pool = Counting(), make_pool(limits=cost_limits(most))
    result = search(sampler, filter_of(measure), pool)
    measured = result.measurements
    assert 0 < len(measured) <= most
    assert len(set(measure.measured)) == len(measure.measured) == len(measured)
    assert measured["within"].all()
    assert result.history["feasible"].all()
    left = most - 5
    for number, size in result.history.groupby("round").size().items():
        spent = int((measured["round"] == number).sum())
        queries_left = int((result.history["round"] >= number).sum())
        assert spent <= max(left * size / queries_left, 1)  # the last is the chosen
        left -= spent


@every_front_sampler
def test_enough_measurements_measure_every_query(sampler: Sampler) -> None:
    result = search(sampler, filter_of(), make_pool(limits=cost_limits(1000)))
    history = result.history.dropna(subset=["accuracy"])
    assert history["latency_ms"].tolist() == [TRUE[name] for name in history["arch_id"]]
    members = search_front(history, TWO).members
    assert members["latency_ms"].tolist() == [TRUE[name] for name in members["arch_id"]]


def test_proposals_of_high_measured_cost_are_replaced() -> None:
    changes: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(6):
        pool = make_pool(seed, limits=cost_limits(1000))
        result = search(front_samplers()[0], filter_of(), pool)
        asked = set(result.history["arch_id"])
        assert asked <= set(result.measurements["arch_id"])
        for name in result.measurements["arch_id"]:
            changes[name in asked].append(TRUE[name] - PREDICTED[name])
    assert np.mean(changes[False]) > np.mean(changes[True]) + 1


def test_known_costs_are_not_measured_again() -> None:
    known = {"latency_ms": dict(list(TRUE.items())[::2])}
    measure = Counting()
    search(front_samplers()[0], filter_of(measure), make_pool(limits=cost_limits(99, known=known)))
    assert measure.measured
    assert not set(measure.measured) & set(known["latency_ms"])


@pytest.mark.parametrize("stop_after", [1, 7, 20])
def test_an_interrupted_search_measures_and_asks_the_same(stop_after: int) -> None:
    pool, sampler = make_pool(limits=cost_limits(40)), front_samplers()[0]
    whole, log = search(sampler, filter_of(), pool), EventLog()
    with pytest.raises(KeyboardInterrupt):
        search(sampler, filter_of(Counting(stop_after)), pool, log)
    again = search(sampler, filter_of(), pool, log)
    assert again.history["arch_id"].tolist() == whole.history["arch_id"].tolist()
    assert again.measurements["arch_id"].tolist() == whole.measurements["arch_id"].tolist()
