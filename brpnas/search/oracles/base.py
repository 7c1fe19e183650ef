"""The contract of an oracle: it answers queries with validation accuracies.

Derive from `Oracle` and implement `answer` for one query at a time, or override
`Oracle.answers` to answer a whole round at once (in one batch, or through a file). An oracle with
workers overrides `Oracle.start` too, to take further questions while it answers others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from brpnas.errors import OracleError
from brpnas.search.stopping import StoppingRule

__all__ = ["Answer", "Evaluations", "Oracle", "Question"]


@dataclass(frozen=True)
class Question:
    """One query to put to an oracle.

    Attributes:
        query: Number of the query; makes the oracle's draws reproducible.
        arch_id: Architecture to evaluate.
        revealed: Training seeds of this architecture revealed by earlier queries.
        rule: When its training may stop early; None for never. An oracle that does not train
            ignores it.
    """

    query: int
    arch_id: str
    revealed: frozenset[int] = frozenset()
    rule: StoppingRule | None = None


@dataclass(frozen=True)
class Answer:
    """The answer of an oracle.

    Attributes:
        accuracy: Validation accuracy after the last epoch, fraction.
        seed: Training seed, if known.
        cost_s: Training time in seconds, if known.
        curve: Validation accuracy after each epoch, if known.
        stopped: Whether the training ended early.
    """

    accuracy: float
    seed: int | None = None
    cost_s: float | None = None
    curve: tuple[float, ...] | None = None
    stopped: bool = False


class Evaluations:
    """The evaluations in flight of an oracle: questions in, answers out in any order.

    A context manager: its end gives up the questions without an answer. This one asks
    `Oracle.answers` all open questions again after each new one, and takes its first answer.

    Args:
        oracle: The oracle.
    """

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._open: dict[int, Question] = {}
        self._arrivals: Iterator[tuple[Question, Answer | OracleError]] = iter(())

    def submit(self, question: Question) -> None:
        """Put a question; returns at once."""
        self._finish()
        self._open[question.query] = question
        self._arrivals = iter(())

    def next_answer(self) -> tuple[Question, Answer | OracleError]:
        """Wait for the next answer to an open question.

        A raised error, unlike a returned one, ends the run.

        Raises:
            OracleError: If the oracle leaves the open questions unanswered.
        """
        with suppress(StopIteration):
            return self._taken(next(self._arrivals))
        self._arrivals = iter(self._oracle.answers(list(self._open.values())))
        for arrival in self._arrivals:
            return self._taken(arrival)
        raise OracleError(
            f"Oracle {self._oracle.name!r} left {len(self._open)} queries unanswered, the first of "
            f"them {next(iter(self._open.values())).arch_id!r}. Run again to ask them again."
        )

    def _taken(
        self, arrival: tuple[Question, Answer | OracleError]
    ) -> tuple[Question, Answer | OracleError]:
        del self._open[arrival[0].query]
        return arrival

    def _finish(self) -> None:
        """Let `Oracle.answers` end after its last answer."""
        if not self._open:
            next(self._arrivals, None)

    def close(self) -> None:
        """Give up the open questions."""
        self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()


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

    def start(self) -> Evaluations:
        """Start without a question; the search submits them one by one."""
        return Evaluations(self)

    def resume(self, arch_ids: Sequence[str]) -> None:  # noqa: B027 - most oracles need not know
        """Receive the queries of earlier runs; called once, before any question.

        Args:
            arch_ids: The architecture of each answered query.
        """

    def describe(self) -> dict[str, object]:
        """Name and parameters, for the store's fingerprint (JSON types)."""
        return {"name": self.name}
