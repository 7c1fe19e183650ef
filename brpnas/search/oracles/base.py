"""The contract of an oracle: it answers queries with validation accuracies.

Derive from `Oracle` and implement `answer` for one query at a time, or override
`Oracle.answers` to answer a whole round at once (in parallel, or through a file).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brpnas.errors import OracleError

__all__ = ["Answer", "Oracle", "Question"]


@dataclass(frozen=True)
class Question:
    """One query to put to an oracle.

    Attributes:
        query: Number of the query; makes the oracle's draws reproducible.
        arch_id: Architecture to evaluate.
        revealed: Training seeds of this architecture revealed by earlier queries.
    """

    query: int
    arch_id: str
    revealed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Answer:
    """The answer of an oracle.

    Attributes:
        accuracy: Validation accuracy, fraction.
        seed: Training seed, if known.
        cost_s: Training time in seconds, if known.
    """

    accuracy: float
    seed: int | None = None
    cost_s: float | None = None


class Oracle(ABC):
    """Answers queries with the validation accuracy of one training run.

    An answer depends on the question alone, never on earlier questions in the same process: a
    resumed search asks the open questions only and must get the same answers.
    """

    name: str
    """Name of the oracle in configuration and stores."""

    @abstractmethod
    def answer(self, question: Question) -> Answer:
        """Answer one query.

        Raises:
            OracleError: If this architecture has no answer; the search records it and continues.
        """

    def answers(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Answer | OracleError]]:
        """Answer the open queries of a round, in any order, each as soon as it is known.

        Every pair is stored before the next is drawn. A *raised* error, unlike a yielded one, ends
        the run with a valid store; the next run asks the open queries.
        """
        for question in questions:
            try:
                yield question, self.answer(question)
            except OracleError as error:
                yield question, error

    def resume(self, arch_ids: Sequence[str]) -> None:  # noqa: B027 - most oracles need not know
        """Receive the queries of earlier runs; called once, before any question.

        Args:
            arch_ids: The architecture of each answered query.
        """

    def describe(self) -> dict[str, object]:
        """Name and parameters, for the store's fingerprint (JSON types)."""
        return {"name": self.name}
