from __future__ import annotations

import sys

import numpy as np
import pytest

from brpnas.errors import ConfigurationError
from brpnas.search.fronts import NSGA2Sampler, Objectives
from brpnas.search.history import History
from brpnas.search.samplers import RandomSampler, Sampler
from brpnas.testing import OnOpenSpace, SamplerContract, WithReevaluations
from tests.search.fronts.test_sampler import TWO, volume
from tests.search.toy import history_of, make_oracle, make_pool, pool_of, record, run_search

pytest.importorskip("pymoo")

THREE = Objectives.parse(["accuracy", "-latency_ms", "-params_m"])


class TestNSGA2(SamplerContract):
    def make(self) -> Sampler:
        return NSGA2Sampler(objectives=TWO, population=8)


class TestNSGA2OnOpenSpace(OnOpenSpace, TestNSGA2):
    pass


class TestNSGA2WithReevaluations(WithReevaluations, TestNSGA2):
    pass


def test_the_first_generation_is_random() -> None:
    pool = make_pool(3)
    asked = NSGA2Sampler(objectives=TWO, population=10).ask(pool, History(), 40)
    assert asked == RandomSampler().ask(pool, History(), 10)


def test_children_mix_the_letters_of_survivors() -> None:
    answers = [("dddd", 0.1), ("dcdd", 0.2), ("aaaa", 0.9), ("abaa", 0.91)]
    history = History([record(i, *answer, round=i // 2) for i, answer in enumerate(answers)])
    for seed in range(5):
        asked = NSGA2Sampler(objectives=TWO, population=2).ask(make_pool(seed), history, 6)
        # Two survive of four: fast and accurate. A child has one new letter.
        assert all(sum(letter not in "ab" for letter in child) <= 1 for child in asked)


@pytest.mark.parametrize("objectives", [TWO, THREE])
def test_beats_random(objectives: Objectives) -> None:
    found: dict[str, list[float]] = {"nsga2": [], "random": []}
    for seed in range(8):
        pool = make_pool(seed)
        pool.predicted["params_m"] = pool.predicted["latency_ms"] ** 2  # type: ignore[index]
        for each in (NSGA2Sampler(objectives=objectives, population=8), RandomSampler()):
            records = run_search(pool, each, make_oracle(seed), 40, progress=False).records
            found[each.name].append(volume(records.queried))
    assert np.mean(found["nsga2"]) > np.mean(found["random"])


def test_an_exhausted_pool_is_searched_to_its_end() -> None:
    words = make_pool().arch_ids
    pool = pool_of(np.array([word.count("a") >= 3 for word in words]))
    each = NSGA2Sampler(objectives=TWO, population=4)
    history = run_search(pool, each, make_oracle(), pool.capacity, progress=False).history
    assert history["isomorphism_id"].nunique() == pool.capacity


def test_failures_do_not_enter_the_population() -> None:
    history = history_of(("aaaa", 0.5), ("aaba", 0.6), ("dddd", None), ("dcdd", None))
    for seed in range(5):
        asked = NSGA2Sampler(objectives=TWO, population=4).ask(make_pool(seed), history, 8)
        assert all(sum(letter not in "ab" for letter in child) <= 1 for child in asked)


def test_needs_pymoo_and_a_population(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="at least 2"):
        NSGA2Sampler(objectives=TWO, population=1)
    monkeypatch.setitem(sys.modules, "pymoo", None)
    with pytest.raises(ConfigurationError, match=r"brpnas\[baselines\]"):
        NSGA2Sampler(objectives=TWO)
