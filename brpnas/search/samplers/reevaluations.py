"""Second training seeds for the leaders, around any sampler."""

from __future__ import annotations

from brpnas.errors import BudgetError, ConfigurationError
from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool
from brpnas.search.samplers.base import Sampler

__all__ = ["ReevaluateLeaders"]


class ReevaluateLeaders(Sampler):
    """Holds the last queries of a budget back to query the leaders once more.

    Answers of a single training seed are noisy, and the best of many is partly luck. A second seed
    of the leaders costs a few queries and improves the final choice. The inner sampler searches
    with the remaining budget; its estimates, if it has any, decide the leaders. Leaders are asked
    again after all other answers.

    Args:
        inner: Sampler for the rest of the budget.
        count: Number of queries held back.

    Raises:
        ConfigurationError: If ``count`` is negative.
    """

    def __init__(self, inner: Sampler, count: int) -> None:
        if count < 0:
            raise ConfigurationError(
                f"The number of reevaluations must not be negative, and is {count}."
            )
        self.inner, self.count = inner, count
        self.name = inner.name

    def ask(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """Proposals of the inner sampler, then the leaders with the fewest answers, best first.

        Raises:
            BudgetError: If the reevaluations use up the whole budget.
        """
        fresh = budget - self.count
        if fresh < 1:
            raise BudgetError(
                f"A budget of {budget} leaves nothing to search with when {self.count} queries are "
                "held back for reevaluations: raise the budget or lower the reevaluations."
            )
        held_back = budget - len(history)
        if len(history) < fresh:
            asked = self.inner.ask(pool, history, fresh)
            if asked:
                return asked
            held_back = self.count - (len(history) - len(history.queried))
        if history.pending:
            return []
        means, answers = history.choosable(), history.answers()
        if not means:
            return self.inner.ask(pool, history, budget)
        worth = self.estimates(pool, history) or means
        leaders = sorted(means, key=lambda arch: (len(answers[arch]), -worth[arch], arch))
        return leaders[:held_back]

    def worth_measuring(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """Those of the inner sampler while it searches, then nothing."""
        fresh = budget - self.count
        return self.inner.worth_measuring(pool, history, fresh) if len(history) < fresh else []

    def estimates(self, pool: CandidatePool, history: History) -> dict[str, float] | None:
        """Estimates of the inner sampler."""
        return self.inner.estimates(pool, history)

    def scores(self, pool: CandidatePool, history: History) -> dict[str, float]:
        """Scores of the inner sampler."""
        return self.inner.scores(pool, history)

    def samples_infeasible(self, pool: CandidatePool, history: History, budget: int) -> bool:
        """Whether the inner sampler samples infeasible architectures."""
        return self.inner.samples_infeasible(pool, history, budget - self.count)

    def describe(self) -> dict[str, object]:
        """The inner sampler's parameters and the number of reevaluations."""
        return {**self.inner.describe(), "reevaluations": self.count}
