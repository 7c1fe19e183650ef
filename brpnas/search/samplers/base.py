"""The contract of a sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod

from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool

__all__ = ["Sampler"]


class Sampler(ABC):
    """Proposes architectures to query, from the pool and the answers of earlier rounds.

    The loop calls `ask` with the whole history, stores the proposals as the plan of a round, and
    queries all of them. It repeats this until the budget is used up. A sampler keeps no state
    between calls: `ask` and `estimates` are functions of its parameters, the pool (with its seed)
    and the history. So a search resumes exactly.

    With evaluations in flight, the loop asks for the next round before the last answers of earlier
    ones. The queries in flight are in the history, without an answer (`History.pending`).

    A round holds at least one architecture and no duplicates. All satisfy `is_open`, except in the
    rounds of infeasible samples (`samples_infeasible`). A round is empty only if no architecture
    within the limits is left, or if the sampler waits for the queries in flight. To query an
    architecture again, a sampler proposes the same ``arch_id``, but not while it is in flight.
    """

    name: str
    """Name of the sampler in configuration, stores and tables."""

    @abstractmethod
    def ask(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """Architectures of the next round.

        Args:
            pool: The candidate pool; its seed decides all draws.
            history: All queries so far, with answers.
            budget: Queries in total, those of the history included; larger than the history.

        Returns:
            At least one and at most ``budget - len(history)`` architectures.
        """

    def worth_measuring(self, pool: CandidatePool, history: History, budget: int) -> list[str]:
        """Architectures whose measured costs would decide about the next round, best first.

        The loop measures those of unknown cost as far as the limits allow, and asks again. By
        default the proposals themselves.

        Args:
            pool: The candidate pool.
            history: All queries so far, with answers and measurements.
            budget: Queries in total, as for `ask`.
        """
        return self.ask(pool, history, budget)

    def estimates(self, pool: CandidatePool, history: History) -> dict[str, float] | None:
        """Scores of the answered architectures, for the final choice.

        Args:
            pool: The candidate pool.
            history: All queries so far, with answers.

        Returns:
            A score of each feasible architecture, higher is better; None if the answers themselves
            decide.
        """
        return None

    def scores(self, pool: CandidatePool, history: History) -> dict[str, float]:
        """Standardised scores of the candidates of the next round by what was learnt before it.

        Empty if nothing was learnt.

        Args:
            pool: The candidate pool.
            history: All queries so far, with answers.
        """
        return {}

    def samples_infeasible(self, pool: CandidatePool, history: History, budget: int) -> bool:
        """Whether the next round may query infeasible architectures, to learn from them.

        Infeasible architectures are never chosen.

        Args:
            pool: The candidate pool.
            history: All queries so far, with answers.
            budget: Queries in total, as for `ask`.
        """
        return False

    def describe(self) -> dict[str, object]:
        """Name and parameters, for the store's fingerprint (JSON types)."""
        return {"name": self.name}
