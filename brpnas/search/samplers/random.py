"""Random search: the baseline every other sampler must beat."""

from __future__ import annotations

from brpnas.search.history import History
from brpnas.search.samplers.base import Sampler
from brpnas.search.task import SearchTask

__all__ = ["RandomSampler"]


class RandomSampler(Sampler):
    """Draws distinct functions uniformly, without replacement, all in one round."""

    name = "random"

    def ask(self, context: SearchTask, history: History, budget: int) -> list[str]:
        """The next functions in the task's random order, as many as the budget has left."""
        return context.fresh(history, budget - len(history))
