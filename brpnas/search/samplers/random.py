"""Random search: the baseline every other sampler must beat."""

from __future__ import annotations

from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool
from brpnas.search.samplers.base import Sampler

__all__ = ["RandomSampler"]


class RandomSampler(Sampler):
    """Draws distinct functions uniformly, without replacement, all in one round."""

    name = "random"

    def ask(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """The next functions in the random order of the pool, for the rest of the budget."""
        return pool.fresh(history, budget - len(history))
