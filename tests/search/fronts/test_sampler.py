from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.search.fronts import FrontSampler, Objectives, Scale, Spread, pareto_front
from brpnas.search.history import History, Measurement
from brpnas.search.samplers import BRPSampler, RandomSampler, Sampler
from brpnas.testing import OnOpenSpace, SamplerContract, WithReevaluations
from tests.search.toy import (
    RidgeRanker,
    ToySpace,
    additive_accuracy,
    history_of,
    make_oracle,
    make_pool,
    predict_latency,
    run_search,
)
from tests.seeds import first_of

TWO = Objectives.parse(["accuracy", "-latency_ms"])


def sampler(spread: Spread = "layers", **parameters: object) -> FrontSampler:
    return FrontSampler(RidgeRanker, objectives=TWO, spread=spread, **{"rounds": 4, **parameters})


class TestLayers(SamplerContract):
    def make(self) -> Sampler:
        return sampler()


class TestLayersWithPrior(SamplerContract):
    def make(self) -> Sampler:
        return sampler(flops_prior=10, exploit_fraction=1.0)


class TestLayersOnOpenSpace(OnOpenSpace, TestLayers):
    pass


class TestLayersWithReevaluations(WithReevaluations, TestLayers):
    pass


class TestLimits(SamplerContract):
    def make(self) -> Sampler:
        return sampler("limits")


def volume(arch_ids: Sequence[str]) -> float:
    """Hypervolume of words by their true accuracy."""
    words = ToySpace().enumerate()
    points = TWO.points(additive_accuracy(words), predict_latency(words)["latency_ms"][:, None])
    found = TWO.points(
        additive_accuracy(arch_ids), predict_latency(arch_ids)["latency_ms"][:, None]
    )
    return Scale.of(points).hypervolume(found)


@pytest.mark.parametrize("spread", ["layers", "limits"])
def test_finds_more_of_the_front_than_random_and_than_accuracy_alone(spread: Spread) -> None:
    found: dict[str, list[float]] = {"front": [], "random": [], "accuracy": []}
    for seed in range(6):
        samplers = {
            "front": sampler(spread),
            "random": RandomSampler(),
            "accuracy": BRPSampler(RidgeRanker, rounds=4),
        }
        for name, each in samplers.items():
            history = run_search(make_pool(seed), each, make_oracle(seed), 24, progress=False)
            found[name].append(volume(history.records.queried))
    assert np.mean(found["front"]) > np.mean(found["random"])
    assert np.mean(found["front"]) > np.mean(found["accuracy"])


class Oracle(RidgeRanker):
    """Knows the accuracy."""

    def score(self, graphs: object) -> np.ndarray:
        words = ["".join("abcd"[code - 4] for code in row[row >= 4]) for row in graphs.ops]  # type: ignore[attr-defined]
        return additive_accuracy(words)


def known_front(pool: object) -> set[str]:
    names = pool.names(pool.representatives)  # type: ignore[attr-defined]
    points = TWO.points(additive_accuracy(names), predict_latency(names)["latency_ms"][:, None])
    return {name for name, kept in zip(names, pareto_front(points), strict=True) if kept}


@pytest.mark.parametrize("seed", first_of(range(4)))
def test_a_round_is_the_front_of_the_ranking_if_it_fits(seed: int) -> None:
    pool = make_pool(seed)
    queried = history_of(("aaaa", 0.5), ("dddd", 0.6))
    front = known_front(pool) - {"aaaa", "dddd"}
    each = FrontSampler(Oracle, objectives=TWO, rounds=2, exploit_fraction=1.0)
    asked = each.ask(pool, queried, 2 + len(front) + 3)
    assert front <= set(asked)
    assert len(asked) == len(front) + 3  # the second layer fills the round


def test_part_of_a_layer_is_spread_over_its_costs() -> None:
    pool = make_pool(0)
    each = FrontSampler(Oracle, objectives=TWO, rounds=2, exploit_fraction=1.0)
    queried = history_of(("abca", 0.5), ("bcdb", 0.6))
    front = known_front(pool)
    costs = predict_latency(sorted(front))["latency_ms"]
    asked = each.ask(pool, queried, 2 + 3)
    chosen = predict_latency(asked)["latency_ms"]
    assert set(asked) <= front
    assert np.ptp(chosen) >= 0.7 * np.ptp(costs)
    assert np.diff(np.sort(chosen)).min() > 0


def test_the_cheapest_of_isomorphic_words_is_asked() -> None:
    pool = make_pool(0)
    # "abcd" and "dbca" compute the same; measured before the search, the second is cheaper.
    pairs = [(w, w[-1] + w[1:-1] + w[0]) for w in pool.arch_ids if w[0] < w[-1]]
    known = {"latency_ms": {second: 0.5 for _, second in pairs}}
    each = sampler(exploit_fraction=1.0, rounds=2)
    each.known = known
    asked = each.ask(pool, history_of(("aaaa", 0.5), ("dddd", 0.9)), 22)
    expensive = {first for first, _ in pairs}
    assert not expensive & set(asked)
    assert {second for _, second in pairs} & set(asked)


def test_refused_words_give_way() -> None:
    pool = make_pool(0)
    history = history_of(("aaaa", 0.5), ("dddd", 0.9))
    each = sampler(exploit_fraction=1.0, rounds=2)
    first = each.ask(pool, history, 12)
    refused = [first[0], *pool.isomorphic(first[0])]
    history.note(Measurement(1, name, within=False, values={"latency_ms": 9.0}) for name in refused)
    again = each.ask(pool, history, 12)
    assert not set(refused) & set(again)
    assert len(again) == len(first)


def test_the_prior_starts_along_its_own_front() -> None:
    pool = make_pool(2)
    random = RandomSampler().ask(pool, History(), 8 * 6)
    asked = sampler(flops_prior=10).ask(pool, History(), 24)
    assert set(asked) <= set(random) | {n for word in random for n in pool.isomorphic(word)}
    latency = predict_latency(asked)["latency_ms"]
    assert np.ptp(latency) > 0.5 * np.ptp(predict_latency(random)["latency_ms"])


def test_describes_objectives_and_spread() -> None:
    described = sampler("limits").describe()
    assert described["objectives"] == ["accuracy", "-latency_ms"]
    assert described["spread"] == "limits"


def test_needs_a_cost_and_a_known_spread() -> None:
    with pytest.raises(ConfigurationError, match="BRPSampler"):
        FrontSampler(RidgeRanker, objectives=Objectives())
    with pytest.raises(ConfigurationError, match="'layer'"):
        sampler("layer")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="at least 1 round"):
        sampler(rounds=0)


@pytest.mark.parametrize(
    ("rounds", "budget", "sizes"),
    [(20, 100, [20] * 5), (2, 100, [50, 50]), (20, 24, [4] * 6), (3, 24, [8] * 3)],
)
def test_a_round_covers_the_front(rounds: int, budget: int, sizes: list[int]) -> None:
    found = run_search(
        make_pool(), sampler(rounds=rounds), make_oracle(), budget, progress=False
    ).history
    assert found.groupby("round").size().tolist() == sizes
