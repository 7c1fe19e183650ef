"""Oracles: what answers a query.

`TableOracle` looks answers up in a benchmark's accuracy table. An oracle that trains
networks derives from `Oracle`: implement `ask` to answer one at a time, or override
`Oracle.answers` to work on a whole round at once (in parallel, or through a file).
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from brpnas.errors import OracleError, UnknownNameError
from brpnas.search.seeding import generator

__all__ = ["Answer", "Oracle", "Question", "TableOracle", "longest_runs"]


@dataclass(frozen=True)
class Question:
    """One query to put to an oracle.

    Attributes:
        query: Number of the query; makes the oracle's draws reproducible.
        arch_id: Architecture to evaluate.
        revealed: Training seeds of this architecture that earlier queries have revealed.
    """

    query: int
    arch_id: str
    revealed: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Answer:
    """What an oracle answers.

    Attributes:
        accuracy: Validation accuracy, fraction.
        seed: Training seed that it belongs to, if known.
        cost_s: Training time in seconds, if known.
    """

    accuracy: float
    seed: int | None = None
    cost_s: float | None = None


class Oracle(ABC):
    """Answers queries with the validation accuracy of one training run.

    An answer depends on the question alone, never on what was asked before in this process: a
    resumed search asks only what is still open and must get what it would have got.
    """

    name: str
    """Name by which configuration and stores refer to the oracle."""

    @abstractmethod
    def ask(self, question: Question) -> Answer:
        """Answer one query.

        Raises:
            OracleError: If this architecture has no answer; the search records it and goes on.
        """

    def answers(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Answer | OracleError]]:
        """Answer the open queries of a round, in any order, each as soon as it is known.

        Every pair is stored before the next is drawn. An error that is *raised* here, rather than
        yielded, ends the run with a valid store; running again asks what is then still open.
        """
        for question in questions:
            try:
                yield question, self.ask(question)
            except OracleError as error:
                yield question, error

    def resume(self, arch_ids: Sequence[str]) -> None:  # noqa: B027 - most oracles need not know
        """Learn what earlier runs of the search have asked; called once, before any question.

        Args:
            arch_ids: The architecture of each answered query.
        """

    def describe(self) -> dict[str, object]:
        """Name and parameters, for the store's fingerprint (JSON types)."""
        return {"name": self.name}


class TableOracle(Oracle):
    """Looks answers up: each query reveals the validation accuracy of one random training seed.

    Args:
        accuracy: Table with columns ``arch_id, dataset, split, seed, epochs, accuracy,
            train_time_s``. Rows of the longest training count, and of them a published mean (null
            seed) only where there is no single run; other data sets and splits are left.
        dataset: Data set to answer for.
        seed: Seed of the draws; the draw of a query depends on it and the query's number.

    Raises:
        UnknownNameError: If the table has no validation rows for the data set.
    """

    name = "table"

    def __init__(self, accuracy: pd.DataFrame, dataset: str, seed: int) -> None:
        rows = longest_runs(accuracy, dataset, "valid").sort_values(["arch_id", "seed"])
        with_seed = rows.loc[rows["seed"].notna(), "arch_id"]
        rows = rows[rows["seed"].notna() | ~rows["arch_id"].isin(with_seed)]
        self.dataset, self.seed = dataset, seed
        self._runs: dict[str, list[Answer]] = {}
        seeds = [None if pd.isna(s) else int(s) for s in rows["seed"]]
        costs = rows["train_time_s"] if "train_time_s" in rows else pd.Series(np.nan, rows.index)
        for arch_id, value, run, cost in zip(
            rows["arch_id"].tolist(), rows["accuracy"].tolist(), seeds, costs, strict=True
        ):
            answer = Answer(value, run, None if pd.isna(cost) else float(cost))
            self._runs.setdefault(arch_id, []).append(answer)

    def ask(self, question: Question) -> Answer:
        """Draw one of the training runs, one with a seed not yet revealed if there is any.

        Raises:
            OracleError: If the table has none for the architecture.
        """
        runs = self._runs.get(question.arch_id)
        if not runs:
            raise OracleError(
                f"The accuracy table has no validation accuracy of {question.arch_id!r} on "
                f"{self.dataset}."
            )
        fresh = [run for run in runs if run.seed is None or run.seed not in question.revealed]
        rng = generator(self.seed, "oracle", question.query)
        choices = fresh or runs
        return choices[int(rng.integers(len(choices)))]

    def reseeded(self, seed: int) -> TableOracle:
        """The same oracle with another seed, without reading the table again."""
        other = copy.copy(self)
        other.seed = seed
        return other

    def describe(self) -> dict[str, object]:
        """Name, data set and seed."""
        return {"name": self.name, "dataset": self.dataset, "seed": self.seed}


def longest_runs(accuracy: pd.DataFrame, dataset: str, split: str) -> pd.DataFrame:
    """Rows of an accuracy table for one data set and split, of the longest training there.

    Raises:
        UnknownNameError: If there are none.
    """
    of_split = accuracy[accuracy["split"] == split]
    rows = of_split[of_split["dataset"] == dataset]
    if rows.empty:
        known = (str(name) for name in of_split["dataset"].unique())
        raise UnknownNameError(f"data set with {split} accuracy", dataset, known)
    return rows[rows["epochs"] == rows["epochs"].max()] if "epochs" in rows else rows
