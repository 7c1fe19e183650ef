from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.search.history import History
from brpnas.search.samplers import EvolutionSampler, RandomSampler, Sampler
from brpnas.testing import OnOpenSpace, SamplerContract, WithReevaluations
from tests.search.toy import (
    ToySpace,
    additive_accuracy,
    history_of,
    make_oracle,
    make_pool,
    pool_of,
    run_search,
)
from tests.seeds import first_of


class TestEvolution(SamplerContract):
    def make(self) -> Sampler:
        return EvolutionSampler(population=8, tournament=3)


class TestEvolutionOnOpenSpace(OnOpenSpace, TestEvolution):
    pass


class TestEvolutionWithReevaluations(WithReevaluations, TestEvolution):
    pass


def _distance(a: str, b: str) -> int:
    return sum(x != y for x, y in zip(a, b, strict=True))


def test_starts_with_a_random_population_then_asks_one_by_one() -> None:
    pool = make_pool()
    result = run_search(
        pool, EvolutionSampler(population=8), make_oracle(), 20, progress=False
    ).history
    assert result["arch_id"][:8].tolist() == RandomSampler().ask(pool, History(), 8)
    assert result["round"].tolist() == [0] * 8 + list(range(1, 13))


def test_a_large_tournament_mutates_the_best_of_the_youngest() -> None:
    words = ["dddd", "aaaa", "abca", "bbbb"]
    history = history_of(*zip(words, [0.9, 0.5, 0.8, 0.4], strict=True))
    sampler = EvolutionSampler(population=3, tournament=50)
    children = {sampler.ask(make_pool(seed), history, 10)[0] for seed in range(40)}
    assert {_distance(child, "abca") for child in children} == {1}  # "dddd" has died of age
    assert len(children) > 5


def test_a_tournament_of_one_mutates_anyone() -> None:
    words = ["dddd", "aaaa"]
    history = history_of(*zip(words, [0.9, 0.1], strict=True))
    sampler = EvolutionSampler(population=2, tournament=1)
    children = [sampler.ask(make_pool(seed), history, 10)[0] for seed in range(60)]
    share = np.mean([_distance(child, "dddd") == 1 for child in children])
    assert 0.3 < share < 0.7


def test_failures_do_not_enter_the_population() -> None:
    history = history_of(("aaaa", 0.5), ("dddd", None), ("cccc", None))
    sampler = EvolutionSampler(population=3, tournament=5)
    for seed in range(10):
        assert _distance(sampler.ask(make_pool(seed), history, 9)[0], "aaaa") == 1


def test_an_exhausted_neighbourhood_gives_way_to_chance() -> None:
    words = ToySpace().enumerate()
    feasible = np.array([w == "aaaa" or w.count("d") >= 3 for w in words])
    pool = pool_of(feasible)
    child = EvolutionSampler(population=1).ask(pool, history_of(("aaaa", 0.5)), 5)[0]
    assert child.count("d") >= 3


def test_a_repeated_leader_counts_once_with_its_mean() -> None:
    words = ["aaaa", "dddd", "aaaa"]
    history = history_of(*zip(words, [0.9, 0.6, 0.1], strict=True))
    sampler = EvolutionSampler(population=2, tournament=50)
    for seed in range(10):
        assert _distance(sampler.ask(make_pool(seed), history, 9)[0], "dddd") == 1


@pytest.mark.parametrize("seeds", first_of([range(6), range(6, 26)]))
def test_beats_random_on_an_additive_landscape(seeds: range) -> None:
    words = ToySpace().enumerate()
    true = dict(zip(words, additive_accuracy(words), strict=True))
    best = {"random": [], "evolution": []}  # type: dict[str, list[float]]
    for seed in seeds:
        for sampler in (RandomSampler(), EvolutionSampler()):
            frame = run_search(
                make_pool(seed), sampler, make_oracle(seed), 40, progress=False
            ).history
            best[sampler.name].append(max(true[a] for a in frame["arch_id"]))
    assert np.mean(best["evolution"]) > np.mean(best["random"])


@pytest.mark.parametrize("parameters", [{"population": 0}, {"tournament": 0}])
def test_parameters_out_of_range(parameters: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="at least 1"):
        EvolutionSampler(**parameters)
