"""An oracle answered by hand: it writes questions to a CSV file and reads answers from another.

For clusters with their own queue, and for training by hand.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from brpnas.atomic import atomic_path
from brpnas.errors import AnswersPendingError, OracleError
from brpnas.search.oracles import Answer, Oracle, Question
from brpnas.search.oracles.answers import read_answers
from brpnas.spaces import DEFAULT_SPACE, SearchSpace, get_space
from brpnas.tables import quoted, rows_text

__all__ = ["FileOracle"]

_log = logging.getLogger(__name__)


class FileOracle(Oracle):
    """Writes the trainings to a CSV file, and ends the run; the next run reads the answers.

    The answers are a CSV file with the columns ``arch_id`` and ``accuracy`` (validation accuracy,
    fraction; empty for a failed training), optionally ``train_time_s``, ``test_accuracy`` and
    ``message``. Rows may be in any order, and more may be added later. Several rows of one
    architecture answer several queries of it, in their order. Rows without a question are reported
    with their lines.

    Args:
        questions: File to write, with the columns ``query, arch_id, run``. ``run`` counts the
            trainings of an architecture from 0; use it as the training seed.
        answers: File to read; need not exist yet.
        dataset: Name of the data set of the accuracies.
        space: Space of the architectures, or its name; None if answers and questions use
            exactly the same names.
    """

    name = "file"

    def __init__(
        self,
        questions: Path,
        answers: Path,
        dataset: str,
        space: SearchSpace | str | None = DEFAULT_SPACE,
    ) -> None:
        self.questions_path, self.answers_path, self.dataset = questions, answers, dataset
        self.space = None if space is None else get_space(space)
        self._asked: Counter[str] = Counter()

    def answer(self, question: Question) -> Answer:
        """Look the answer up.

        Raises:
            AnswersPendingError: If the answer is missing; the question is then in its file.
            OracleError: If the answer reports a failed training.
        """
        ((_, outcome),) = self.answers([question])
        if isinstance(outcome, OracleError):
            raise outcome
        return outcome

    def answers(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Answer | OracleError]]:
        """Yield the available answers, then end the run if others are missing.

        Raises:
            AnswersPendingError: If answers are missing; all open questions are in their file.
            IntakeError: If the file of answers is malformed.
        """
        table = read_answers(self.answers_path, self.space)
        self.questions_path.unlink(missing_ok=True)  # written again if answers are missing
        for question in questions:
            runs = len(question.revealed) + 1
            self._asked[question.arch_id] = max(self._asked[question.arch_id], runs)
        unused = self._unused(table)
        known, waiting = _by_architecture(table), []
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
                f"again; it goes on from there. Leave accuracy empty where a training failed."
                f"{unused}"
            )
        if unused:
            _log.warning("%s:%s", self.answers_path, unused)

    def resume(self, arch_ids: Sequence[str]) -> None:
        """Receive the queries of earlier runs: their answers stay in the file."""
        self._asked = Counter(arch_ids)

    def describe(self) -> dict[str, object]:
        """Name and data set; not the paths of the files."""
        return {"name": self.name, "dataset": self.dataset}

    def accuracy(self) -> pd.DataFrame:
        """Accuracy table of all answers: validation, and test if the file has it.

        The number of epochs is unknown and set to 1.
        """
        table = read_answers(self.answers_path, self.space)
        table["seed"] = table.groupby("arch_id").cumcount()
        parts = [
            table.assign(split=split, accuracy=table[column])
            for split, column in (("valid", "accuracy"), ("test", "test_accuracy"))
        ]
        rows = pd.concat(parts, ignore_index=True).dropna(subset="accuracy")
        # pandera takes as long to import as all the rest, and other oracles do without
        from brpnas.datasets.schemas import ACCURACY, validate  # noqa: PLC0415

        rows = rows.assign(dataset=self.dataset, epochs=1)
        rows = rows[[name for name in ACCURACY.columns if name in rows]]
        typed = rows.astype({"arch_id": "str", "dataset": "str", "split": "str", "seed": "Int64"})
        return validate(typed, ACCURACY, origin=str(self.answers_path))

    def _unused(self, table: pd.DataFrame) -> str:
        """Text about answers without a question; empty if there are none."""
        run = table.groupby("arch_id").cumcount()
        asked = table["arch_id"].map(self._asked).fillna(0)
        strange, surplus = table[asked == 0], table[(asked > 0) & (run >= asked)]
        said = ""
        if len(strange):
            first = quoted(strange["arch_id"].iloc[0])
            said += (
                f" Not asked so far: {rows_text(strange['line'].tolist(), 'line')} of the answers, "
                f"the first {first}; check them for errors."
            )
        if len(surplus):
            said += (
                f" More answers than trainings asked: {rows_text(surplus['line'].tolist(), 'line')}"
                " of the answers repeat an architecture; they are kept for its next training."
            )
        return said

    def _write(self, waiting: list[dict[str, object]]) -> None:
        self.questions_path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(self.questions_path) as partial:
            pd.DataFrame(waiting).to_csv(partial, index=False)


def _by_architecture(table: pd.DataFrame) -> dict[str, list[Answer | OracleError]]:
    """The answers of each architecture, in their order."""
    answers: dict[str, list[Answer | OracleError]] = {}
    for row in table.to_dict("records"):
        runs = answers.setdefault(str(row["arch_id"]), [])
        if math.isnan(row["accuracy"]):
            runs.append(OracleError(row["message"] or "The file of answers gives no accuracy."))
        else:
            cost = None if math.isnan(row["train_time_s"]) else float(row["train_time_s"])
            runs.append(Answer(float(row["accuracy"]), len(runs), cost))
    return answers
