"""The oracle that is answered by hand: questions go into a CSV file, answers come from another.

For clusters with a queue of their own, and for people who train by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from brpnas.datasets.schemas import ACCURACY, validate
from brpnas.errors import AnswersPendingError, OracleError, SchemaError
from brpnas.search.oracle import Answer, Oracle, Question

__all__ = ["FileOracle"]

_REQUIRED = ("arch_id", "accuracy")


class FileOracle(Oracle):
    """Writes what is to be trained to a CSV file, and ends; the next run reads the answers.

    The answers are a CSV file with the columns ``arch_id`` and ``accuracy`` (validation accuracy,
    fraction; empty for a training that failed), optionally ``train_time_s``, ``test_accuracy`` and
    ``message``. Rows may come in any order and be added to over time. Several rows of one
    architecture answer several queries of it, in their order.

    Args:
        questions: File to write, with the columns ``query, arch_id, run``. ``run`` counts the
            trainings of an architecture from 0: its seed, for whoever trains.
        answers: File to read; need not exist yet.
        dataset: Name of the data set that the accuracies are of.
    """

    name = "file"

    def __init__(self, questions: Path, answers: Path, dataset: str) -> None:
        self.questions_path, self.answers_path, self.dataset = questions, answers, dataset

    def ask(self, question: Question) -> Answer:
        """Look the answer up.

        Raises:
            AnswersPendingError: If it is not there yet; the question then is in its file.
            OracleError: If the answer says that the training failed.
        """
        ((_, outcome),) = self.answers([question])
        if isinstance(outcome, OracleError):
            raise outcome
        return outcome

    def answers(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Answer | OracleError]]:
        """Give the answers that are there, then end the run if others are missing.

        Raises:
            AnswersPendingError: If answers are missing; all open questions are in their file.
            SchemaError: If the file of answers is malformed.
        """
        known = self._read()
        waiting = []
        for question in questions:
            rows = known.get(question.arch_id, [])
            run = len(question.revealed)
            if run < len(rows):
                yield question, rows[run]
            else:
                waiting.append({"query": question.query, "arch_id": question.arch_id, "run": run})
        if waiting:
            self._write(waiting)
            raise AnswersPendingError(
                f"The search waits for {len(waiting)} trainings: {self.questions_path} lists them. "
                f"Train these architectures, put their validation accuracies (fractions) into "
                f"{self.answers_path} in the columns arch_id,accuracy, and run the same command "
                "again; it goes on from there. Leave accuracy empty where a training failed."
            )
        self.questions_path.unlink(missing_ok=True)

    def describe(self) -> dict[str, object]:
        """Name and data set; not where the files are."""
        return {"name": self.name, "dataset": self.dataset}

    def accuracy(self) -> pd.DataFrame:
        """Accuracy table of all answers: validation, and test where the file gives it.

        The epochs are not known to the search and set to 1.
        """
        table = self._table()
        table["seed"] = table.groupby("arch_id").cumcount()
        parts = [
            table.assign(split=split, accuracy=table[column])
            for split, column in (("valid", "accuracy"), ("test", "test_accuracy"))
        ]
        rows = pd.concat(parts, ignore_index=True).dropna(subset="accuracy")
        rows = rows.assign(dataset=self.dataset, epochs=1)[list(ACCURACY.columns)]
        return validate(rows.astype({"seed": "Int64"}), ACCURACY, origin=str(self.answers_path))

    def _read(self) -> dict[str, list[Answer | OracleError]]:
        answers: dict[str, list[Answer | OracleError]] = {}
        table = self._table()
        for arch_id, value, seconds, message in zip(
            table["arch_id"],
            table["accuracy"],
            table["train_time_s"],
            table["message"],
            strict=True,
        ):
            runs = answers.setdefault(str(arch_id), [])
            if math.isnan(value):
                runs.append(OracleError(message or "The file of answers gives no accuracy."))
            else:
                cost = None if math.isnan(seconds) else float(seconds)
                runs.append(Answer(float(value), len(runs), cost))
        return answers

    def _table(self) -> pd.DataFrame:
        numbers = ("accuracy", "train_time_s", "test_accuracy")
        columns = ["arch_id", *numbers, "message"]
        if not self.answers_path.exists():
            empty = pd.DataFrame(columns=columns)
            return empty.astype({name: "float64" if name in numbers else "str" for name in columns})
        try:
            table = pd.read_csv(self.answers_path, skipinitialspace=True)
        except (OSError, ValueError) as error:
            raise SchemaError(f"{self.answers_path} is no CSV file: {error}.") from error
        missing = [name for name in _REQUIRED if name not in table]
        if missing:
            raise SchemaError(
                f"{self.answers_path} lacks the column {missing[0]!r}; it has "
                f"{', '.join(map(str, table.columns))}."
            )
        table = table.reindex(columns=columns)
        for name in numbers:
            table[name] = self._numbers(table, name)
        for name in ("accuracy", "test_accuracy"):
            wrong = table.index[(table[name] < 0) | (table[name] > 1)]
            if len(wrong):
                raise SchemaError(
                    f"{self.answers_path}: {name} must be a fraction from 0 to 1, not "
                    f"{table[name][wrong[0]]:g} as in line {wrong[0] + 2}. Divide percent by 100."
                )
        table["arch_id"] = table["arch_id"].astype("str").str.strip()
        table["message"] = table["message"].astype("str").fillna("")
        return table

    def _numbers(self, table: pd.DataFrame, name: str) -> pd.Series[float]:
        values = pd.to_numeric(table[name], errors="coerce")
        wrong = table.index[values.isna() & table[name].notna()]
        if len(wrong):
            raise SchemaError(
                f"{self.answers_path}: {name} must be a number, not {table[name][wrong[0]]!r} as "
                f"in line {wrong[0] + 2}."
            )
        return values.astype("float64")

    def _write(self, waiting: list[dict[str, object]]) -> None:
        self.questions_path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.questions_path.with_suffix(".partial")
        pd.DataFrame(waiting).to_csv(partial, index=False)
        partial.replace(self.questions_path)
