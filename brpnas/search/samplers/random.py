"""Random search: the baseline every other sampler must beat."""

from __future__ import annotations

from brpnas.search.context import SearchContext
from brpnas.search.history import History
from brpnas.search.samplers.base import Sampler

__all__ = ["RandomSampler"]


class RandomSampler(Sampler):
    """Draws distinct functions uniformly, without replacement, all in one round."""

    name = "random"

    def ask(self, context: SearchContext, history: History, budget: int) -> list[str]:
        """The next functions in the pool's random order, as many as the budget has left."""
        return context.names(context.unqueried(history)[: budget - len(history)])
