"""The contract of a sampler."""

from __future__ import annotations

from abc import ABC, abstractmethod

from brpnas.search.history import History
from brpnas.search.task import SearchTask

__all__ = ["Sampler"]


class Sampler(ABC):
    """Decides what to query next: ask and tell, where telling is the growing history.

    Life cycle: the loop calls `ask` with everything answered so far, stores the answer as the plan
    of a round, queries all of it, and asks again, until the budget is used up. A sampler keeps no
    state between calls: `ask` is a function of its parameters, the context (with its seed) and the
    history, and so is `estimates`. That alone makes a search resume exactly.

    Each round holds at least one architecture, none twice. All of them are `SearchTask.is_open`,
    which those are not that were measured and refused (`SearchTask.is_refused`), but for the rounds
    in which it `asks_beyond`; where nothing is left that is within a limit, there are none. A
    sampler that means to query an architecture again asks the very same ``arch_id`` again.
    """

    name: str
    """Name by which configuration, stores and tables refer to the sampler."""

    @abstractmethod
    def ask(self, context: SearchTask, history: History, budget: int) -> list[str]:
        """Architectures of the next round.

        Args:
            context: The task; its seed decides all draws.
            history: All queries so far, with answers.
            budget: Queries in total, those of the history included; larger than the history.

        Returns:
            At least one and at most ``budget - len(history)`` architectures.
        """

    def estimates(self, context: SearchTask, history: History) -> dict[str, float] | None:
        """What the sampler makes of each answered architecture, for the choice among them.

        Args:
            context: The task.
            history: All queries so far, with answers.

        Returns:
            A score of each that may be chosen, higher is better; None where the answers themselves
            decide.
        """
        return None

    def asks_beyond(self, context: SearchTask, history: History, budget: int) -> bool:
        """Whether the next round may break the constraints, to learn from it.

        What breaks them is asked all the same, and not chosen.

        Args:
            context: The task.
            history: All queries so far, with answers.
            budget: Queries in total, as for `ask`.
        """
        return False

    def describe(self) -> dict[str, object]:
        """Name and parameters, for the store's fingerprint (JSON types)."""
        return {"name": self.name}
