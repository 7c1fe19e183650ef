"""Regularised evolution (Real et al., AAAI 2019, arXiv 1802.01548)."""

from __future__ import annotations

import numpy as np

from brpnas.errors import ConfigurationError
from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool, is_open
from brpnas.search.samplers.base import Sampler
from brpnas.search.seeding import generator

__all__ = ["EvolutionSampler"]

_TRIES = 100


class EvolutionSampler(Sampler):
    """Mutates the best of a random sample of the population; the oldest member dies each cycle.

    The first round is a random population; each later round is one query. Failed queries do not
    enter the population. An infeasible child, or one of a known function, is rejected and another
    tournament held; after 100 rejections the child is drawn at random.

    The defaults suit budgets of about 100. They are greedier than the published 100 and 25: such a
    budget never leaves that initial population. NAS-Bench-201's 10 and 3 are less greedy too, and
    far weaker on that benchmark.

    Args:
        population: Size of the population: the number of youngest answered architectures.
        tournament: Members drawn, with replacement, to find a parent.

    Raises:
        ConfigurationError: If either is not positive.
    """

    name = "evolution"

    def __init__(self, *, population: int = 10, tournament: int = 10) -> None:
        if population < 1 or tournament < 1:
            raise ConfigurationError(
                f"Evolution needs a population and a tournament of at least 1, not {population} "
                f"and {tournament}."
            )
        self.population, self.tournament = population, tournament

    def ask(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """The initial population in the first round, one child in each later one."""
        population = list(history.means().items())[-self.population :]
        missing = min(self.population, budget) - len(history)
        if missing > 0 or not population:
            return pool.fresh(history, max(missing, 1))
        rng = generator(pool.seed, "evolution", len(history))
        for _ in range(_TRIES):
            child = pool.space.mutate(self._parent(population, rng), rng)
            if is_open(pool, child, history):
                return [child]
        return pool.fresh(history, 1)

    def _parent(self, population: list[tuple[str, float]], rng: np.random.Generator) -> str:
        drawn = [population[i] for i in rng.integers(len(population), size=self.tournament)]
        best: tuple[str, float] = max(drawn, key=lambda member: member[1])
        return best[0]

    def describe(self) -> dict[str, object]:
        """Name, population and tournament."""
        return {
            "name": self.name,
            "population": self.population,
            "tournament": self.tournament,
        }
