from __future__ import annotations

from collections import Counter

from brpnas.search.history import History
from brpnas.search.samplers import RandomSampler, Sampler
from brpnas.testing import OnOpenSpace, SamplerContract
from tests.search.toy import history_of, make_pool


class TestRandom(SamplerContract):
    def make(self) -> Sampler:
        return RandomSampler()


class TestRandomOnOpenSpace(OnOpenSpace, TestRandom):
    pass


def test_asks_the_whole_budget_at_once() -> None:
    assert len(RandomSampler().ask(make_pool(), History(), 25)) == 25


def test_answers_do_not_matter() -> None:
    pool = make_pool()
    first = RandomSampler().ask(pool, History(), 10)
    good = history_of(*[(arch_id, 0.9) for arch_id in first])
    bad = history_of(*[(arch_id, None) for arch_id in first])
    assert RandomSampler().ask(pool, good, 20) == RandomSampler().ask(pool, bad, 20)


def test_every_function_is_drawn_about_equally_often() -> None:
    pool = make_pool()
    counts = Counter(
        pool.isomorphism_id(arch_id)
        for seed in range(80)
        for arch_id in RandomSampler().ask(make_pool(seed), History(), 16)
    )
    assert len(counts) == 160  # each of the 160 functions, 8 times on average
    assert max(counts.values()) < 24
