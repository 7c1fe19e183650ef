"""Answers from the accuracy table of a benchmark."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd

from brpnas.errors import OracleError, UnknownNameError
from brpnas.search.oracles.base import Answer, Oracle, Question
from brpnas.search.seeding import generator

__all__ = ["TableOracle", "longest_runs"]


class TableOracle(Oracle):
    """Looks answers up: each query reveals the validation accuracy of one random training seed.

    Args:
        accuracy: Table with columns ``arch_id, dataset, split, seed, epochs, accuracy,
            train_time_s``. Only rows of the longest training count; a published mean (null seed)
            counts only without a single run. Other data sets and splits are ignored.
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

    def answer(self, question: Question) -> Answer:
        """Draw one of the training runs, preferably with an unrevealed seed.

        Raises:
            OracleError: If the table has no run of the architecture.
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
    """Rows of the longest training for one data set and split of an accuracy table.

    Raises:
        UnknownNameError: If there are no rows.
    """
    of_split = accuracy[accuracy["split"] == split]
    rows = of_split[of_split["dataset"] == dataset]
    if rows.empty:
        known = (str(name) for name in of_split["dataset"].unique())
        raise UnknownNameError(f"data set with {split} accuracy", dataset, known)
    return rows[rows["epochs"] == rows["epochs"].max()] if "epochs" in rows else rows
