"""An oracle on the predictions of a surrogate benchmark.

For spaces too large for a table: `SurrogateOracle` asks the surrogate of NAS-Bench-301 about
architectures of the space `darts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from brpnas.datasets.nasbench301 import EPOCHS, Surrogate
from brpnas.errors import ArchitectureError, OracleError
from brpnas.search.oracles import Answer, Oracle, Question

__all__ = ["SurrogateOracle"]


class SurrogateOracle(Oracle):
    """Answers with the validation accuracy on CIFAR-10 predicted by NAS-Bench-301.

    The prediction is for one training without its noise: it has no seed, a repeated query has the
    same answer, and the report has validation accuracy only. One batch predicts a round.

    Args:
        surrogate: The surrogate.
        epochs: Length of the training, 1 to 98.
    """

    name = "surrogate"

    def __init__(self, surrogate: Surrogate, epochs: int = EPOCHS) -> None:
        self.surrogate, self.epochs = surrogate, epochs

    def answer(self, question: Question) -> Answer:
        """Predict one architecture.

        Raises:
            OracleError: If it is not an architecture of the space `darts`.
        """
        try:
            predicted = self.surrogate.predict_all([question.arch_id], self.epochs)[0]
        except ArchitectureError as error:
            raise OracleError(f"NAS-Bench-301 knows DARTS architectures only: {error}") from error
        return Answer(float(predicted[0]), None, float(predicted[2]))

    def answers(
        self, questions: Sequence[Question]
    ) -> Iterator[tuple[Question, Answer | OracleError]]:
        """Predict all open queries of a round in one batch; the answers equal those of `answer`."""
        try:
            predicted = self.surrogate.predict_all([q.arch_id for q in questions], self.epochs)
        except ArchitectureError:
            yield from super().answers(questions)  # one by one, to find the invalid ones
            return
        for question, row in zip(questions, predicted.tolist(), strict=True):
            yield question, Answer(row[0], None, row[2])

    def describe(self) -> dict[str, object]:
        """Name, data set, epochs and whether predictions are symmetric."""
        return {
            "name": self.name,
            "dataset": "cifar10",
            "epochs": self.epochs,
            "symmetric": self.surrogate.symmetric,
        }
