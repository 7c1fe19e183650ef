"""What every sampler must hold to."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from brpnas.search.history import History
from brpnas.search.loop import run_search
from brpnas.search.pools.base import CandidatePool, is_open
from brpnas.search.samplers import ReevaluateLeaders, Sampler
from brpnas.search.trace import HeldOutScores, trace
from brpnas.testing.words import comparable, make_oracle, make_pool, make_sampled_pool

__all__ = ["BUDGET", "OnOpenSpace", "SamplerContract", "WithReevaluations"]

BUDGET = 40
"""Evaluations of a search."""


class SamplerContract:
    """Tests of any sampler: implement `make`.

    The sampler searches words of four letters for 40 evaluations, within a limit of latency.
    """

    reevaluations: ClassVar[int] = 0
    """Evaluations of evaluated architectures, with another training seed."""

    @abstractmethod
    def make(self) -> Sampler:
        """A sampler with parameters that suit a budget of 40."""

    def pool(self, seed: int = 0, limit: float | None = 7) -> CandidatePool:
        """Pool of words."""
        return make_pool(seed, limit)

    def run(
        self, seed: int = 0, limit: float | None = 7, budget: int = BUDGET, noise: float = 0.01
    ) -> pd.DataFrame:
        """History of a search."""
        pool, oracle = self.pool(seed, limit), make_oracle(seed, noise)
        return run_search(pool, self.make(), oracle, budget, progress=False).history

    def test_is_deterministic(self) -> None:
        pd.testing.assert_frame_equal(comparable(self.run(1)), comparable(self.run(1)))

    def test_asks_the_same_from_the_same_history(self) -> None:
        pool, sampler = self.pool(), self.make()
        records = run_search(pool, sampler, make_oracle(), BUDGET, progress=False).records
        starts = [
            r.query
            for r in records
            if r.query == 0 or records.records[r.query - 1].round != r.round
        ]
        for start in starts:
            history = History(records.records[:start])
            asked = self.make().ask(self.pool(), history, BUDGET)
            assert asked == sampler.ask(pool, history, BUDGET)
            assert asked == [r.arch_id for r in records.records[start : start + len(asked)]]

    def test_seeds_make_different_searches(self) -> None:
        assert self.run(1)["arch_id"].tolist() != self.run(2)["arch_id"].tolist()

    @pytest.mark.parametrize("seed", range(3))
    def test_never_asks_the_infeasible(self, seed: int) -> None:
        assert (self.run(seed, limit=4, budget=20)["predicted_latency_ms"] <= 4).all()

    @pytest.mark.parametrize("seed", range(3))
    def test_never_asks_a_function_twice(self, seed: int) -> None:
        frame = self.run(seed)
        assert BUDGET - frame["isomorphism_id"].nunique() == self.reevaluations
        assert frame["arch_id"].nunique() == frame["isomorphism_id"].nunique()

    @pytest.mark.parametrize("budget", [1, 2, 7, BUDGET])
    def test_keeps_to_the_budget(self, budget: int) -> None:
        frame = self.run(budget=budget + self.reevaluations)
        assert frame["query"].tolist() == list(range(budget + self.reevaluations))

    @pytest.mark.parametrize("budget", [1, 5, BUDGET])
    def test_each_round_fits_the_budget(self, budget: int) -> None:
        pool = self.pool(limit=None)
        asked = self.make().ask(pool, History(), budget + self.reevaluations)
        assert 1 <= len(asked) <= budget
        assert all(is_open(pool, arch_id, History()) for arch_id in asked)

    @pytest.mark.parametrize("parallel", [1, 3, 2 * BUDGET])
    def test_searches_with_evaluations_in_flight(self, parallel: int) -> None:
        pool = self.pool()
        one, other = (
            run_search(
                pool, self.make(), make_oracle(), BUDGET, progress=False, parallel=parallel
            ).history
            for _ in range(2)
        )
        pd.testing.assert_frame_equal(comparable(one), comparable(other))
        assert one["query"].tolist() == list(range(BUDGET))
        assert BUDGET - one["isomorphism_id"].nunique() == self.reevaluations
        repeated = one[one["arch_id"].duplicated(keep=False)]
        assert not repeated.duplicated(["arch_id", "seed"]).any()

    def test_leaves_its_context_alone(self) -> None:
        pool = make_pool(limit=7)
        rows, predicted = pool.representatives.copy(), pool.predicted["latency_ms"].copy()
        run_search(pool, self.make(), make_oracle(), BUDGET, progress=False)
        assert np.array_equal(pool.representatives, rows)
        assert np.array_equal(pool.predicted["latency_ms"], predicted)

    def test_more_budget_never_loses(self) -> None:
        table = trace(self.run(noise=0.1), HeldOutScores({}, {}, 1.0))
        assert table["best_valid"].is_monotonic_increasing

    def test_describes_itself_by_name(self) -> None:
        sampler = self.make()
        assert sampler.describe()["name"] == sampler.name == self.run()["sampler"].iloc[0]


class OnOpenSpace(SamplerContract):
    """The contract on a sampled pool: inherit from it before the class of a listed pool."""

    def pool(self, seed: int = 0, limit: float | None = 7) -> CandidatePool:
        """The words are sampled."""
        return make_sampled_pool(seed, limit)

    def test_leaves_its_context_alone(self) -> None:
        pool = self.pool()
        before, listed = pool.describe(), pool.shortlist(History())
        first = run_search(pool, self.make(), make_oracle(), BUDGET, progress=False).history
        assert pool.describe() == before
        again = pool.shortlist(History())
        assert again.names(again.rows) == listed.names(listed.rows)
        second = run_search(pool, self.make(), make_oracle(), BUDGET, progress=False).history
        pd.testing.assert_frame_equal(comparable(first), comparable(second))


class WithReevaluations(SamplerContract):
    """The contract with five reevaluations: inherit from it before the class without."""

    reevaluations = 5

    def make(self) -> Sampler:
        """The sampler, and reevaluations of its leaders."""
        return ReevaluateLeaders(super().make(), self.reevaluations)  # type: ignore[safe-super]
