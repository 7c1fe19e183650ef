"""Early stopping: a training stops when it can hardly become one of the best.

`EarlyStopping` learns a `StoppingRule` for each training from the learning curves of a search. The
rule of a round knows the rounds before it alone, and travels
with the question: the order of the answers, workers and interruptions do not change an answer.

Forecasts of learning curves by a regression on finished ones are due to Baker et al. (ICLR workshop
2018, arXiv 1705.10823). Here a linear regression on the logit of accuracy has two features: the
mean of the last two epochs, and the score of the ranker before the training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.special

from brpnas.errors import ConfigurationError

__all__ = ["EarlyStopping", "Forecast", "LearningCurve", "StoppingRule"]

FloatArray = npt.NDArray[np.float64]

_RIDGE = 0.1
"""Penalty of a standardised coefficient, as a share of the rows."""
_LEAST, _MOST = 0.02, 0.9985
"""Accuracies beyond these count as these: the logit of 0 and 1 is infinite."""


class LearningCurve(NamedTuple):
    """A training.

    Attributes:
        accuracies: Validation accuracy after each of its epochs.
        answer: Its answer: the validation score after the last epoch; None if it was stopped.
        score: Score of the architecture by the ranker before the training; None without one.
    """

    accuracies: Sequence[float]
    answer: float | None
    score: float | None = None


class Forecast(NamedTuple):
    """Forecast of the logit of an answer after an epoch: ``constant + slope * level``.

    The level is the mean logit of the last two accuracies.

    Attributes:
        constant: Constant; includes the part of the ranker's score.
        slope: Factor of the level.
        margin: Quantile of the error of the forecast at the confidence.
    """

    constant: float
    slope: float
    margin: float

    def of(self, curve: Sequence[float]) -> float:
        """Forecast for a training with this curve up to the epoch, a logit."""
        level = float(_logit(np.asarray(curve[-2:], np.float64)).mean())
        return self.constant + self.slope * level


@dataclass(frozen=True)
class StoppingRule:
    """Judges the training of one architecture.

    Attributes:
        bar: Answer to reach.
        forecasts: Forecast after each epoch but the last.
    """

    bar: float
    forecasts: tuple[Forecast, ...]

    def stops(self, curve: Sequence[float]) -> bool:
        """Whether a training with these validation accuracies, one per epoch, can stop.

        False after the last epoch.
        """
        if not 0 < len(curve) <= len(self.forecasts):
            return False
        forecast = self.forecasts[len(curve) - 1]
        return forecast.of(curve) + forecast.margin < float(_logit(np.array(self.bar)))

    def forecast(self, curve: Sequence[float]) -> float | None:
        """Forecast of the answer of a stopped training, from 0 to 1.

        None after less than half of the epochs: such a forecast misleads the ranker.
        """
        if 2 * len(curve) < len(self.forecasts) + 1:
            return None
        return float(scipy.special.expit(self.forecasts[len(curve) - 1].of(curve)))


@dataclass(frozen=True)
class EarlyStopping:
    """Stops a training if it can hardly become one of the best, by its forecast.

    It learns from the finished trainings; the errors of the forecasts are those of left-out ones.
    The score of the ranker takes part once ``least_curves`` finished trainings have one.

    Args:
        best: A training goes on while it may become one of this number of best answers.
        confidence: Probability that a stopped training would not have.
        least_curves: Finished trainings before the first is stopped.

    Raises:
        ConfigurationError: If a value is out of range.
    """

    best: int = 3
    confidence: float = 0.7
    least_curves: int = 8

    def __post_init__(self) -> None:
        if self.best < 1 or self.least_curves < max(self.best, 5):
            raise ConfigurationError(
                "Early stopping needs at least 1 as best, and at least 5 and at least best as "
                f"least_curves; they are {self.best} and {self.least_curves}."
            )
        if not 0.5 <= self.confidence < 1:
            raise ConfigurationError(
                "The confidence of early stopping must be from 0.5 to below 1, not "
                f"{self.confidence}."
            )

    def learn(
        self, curves: Sequence[LearningCurve], answers: Sequence[float], score: float | None = None
    ) -> StoppingRule | None:
        """The rule for the training of an architecture.

        Args:
            curves: Earlier trainings, all planned for the same number of epochs.
            answers: Answers of the feasible ones, which set the bar.
            score: Score of the architecture by the ranker, if there is one.

        Returns:
            The rule; None while there are too few finished curves.
        """
        finished = [curve for curve in curves if curve.answer is not None]
        scored = [curve for curve in finished if curve.score is not None]
        if score is not None and len(scored) >= self.least_curves:
            finished = scored
        else:
            score = None
        if len(finished) < self.least_curves or len(answers) < self.best:
            return None
        logits = _logit(np.array([curve.accuracies for curve in finished], np.float64))
        target = _logit(np.array([curve.answer for curve in finished], np.float64))
        scores = np.array([curve.score or 0.0 for curve in finished], np.float64)
        forecasts = [
            _learn(
                logits[:, max(0, epoch - 1) : epoch + 1].mean(axis=1),
                None if score is None else scores - score,
                target,
                self.confidence,
            )
            for epoch in range(logits.shape[1] - 1)
        ]
        return StoppingRule(float(np.sort(answers)[-self.best]), tuple(forecasts))


def _learn(
    level: FloatArray, scores: FloatArray | None, target: FloatArray, confidence: float
) -> Forecast:
    """The forecast after an epoch, from ``N`` levels; scores are relative to the architecture's."""
    features = level[:, None] if scores is None else np.column_stack([level, scores])
    centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
    design = np.column_stack([np.ones(len(features)), (features - centre) / spread])
    penalty = _RIDGE * len(design) * np.eye(design.shape[1])
    penalty[0, 0] = 0.0
    inverse = np.linalg.inv(design.T @ design + penalty)
    found = inverse @ design.T @ target
    leverage = np.einsum("ij,jk,ik->i", design, inverse, design)
    errors = (target - design @ found) / np.maximum(1 - leverage, 1e-3)
    slopes = found[1:] / spread
    constant = found[0] - slopes @ centre
    return Forecast(float(constant), float(slopes[0]), float(np.quantile(errors, confidence)))


def _logit(accuracy: FloatArray) -> FloatArray:
    return np.asarray(scipy.special.logit(np.clip(accuracy, _LEAST, _MOST)), np.float64)
