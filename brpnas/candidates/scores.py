"""Classification scores: accuracy, balanced accuracy, recall and precision by class.

Overall accuracy hides classes that a network never recognises. All figures of `ClassScores` follow
from its confusion matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from brpnas.candidates.images import ImageData

__all__ = ["METRICS", "ClassScores", "Metric", "class_counts", "class_scores"]

Metric = Literal["accuracy", "balanced_accuracy"]
"""Score of an answer: share of correct images, or mean recall over the classes."""
METRICS: tuple[Metric, ...] = ("accuracy", "balanced_accuracy")

IntArray = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class ClassScores:
    """Scores of a network on the images of one part of a data set.

    Attributes:
        confusion: Images by true class (rows) and predicted class (columns).
    """

    confusion: tuple[tuple[int, ...], ...]

    @property
    def accuracy(self) -> float:
        """Fraction of correct images."""
        return sum(row[i] for i, row in enumerate(self.confusion)) / sum(self.images)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall over the classes with images."""
        return float(np.mean([recall for recall in self.recall if recall is not None]))

    @property
    def images(self) -> tuple[int, ...]:
        """Images of each class."""
        return tuple(sum(row) for row in self.confusion)

    @property
    def recall(self) -> tuple[float | None, ...]:
        """Fraction of recognised images of each class; None for a class without images."""
        rows = enumerate(self.confusion)
        return tuple(row[i] / sum(row) if sum(row) else None for i, row in rows)

    @property
    def precision(self) -> tuple[float | None, ...]:
        """Fraction of correct images among those predicted as each class; None without any."""
        columns = enumerate(zip(*self.confusion, strict=True))
        return tuple(column[i] / sum(column) if sum(column) else None for i, column in columns)

    @property
    def never_recognised(self) -> tuple[int, ...]:
        """Classes with images but none recognised."""
        return tuple(i for i, recall in enumerate(self.recall) if recall == 0)

    @property
    def largest_class(self) -> int:
        """The class with most images; the first of several."""
        return int(np.argmax(self.images))

    @property
    def largest_share(self) -> float:
        """Accuracy of a constant answer `largest_class`."""
        return max(self.images) / sum(self.images)

    def value(self, metric: Metric) -> float:
        """The score of a metric."""
        return self.accuracy if metric == "accuracy" else self.balanced_accuracy


def class_counts(data: ImageData, part: str) -> list[int]:
    """Images of each class in a part of the data."""
    labels = data.labels[data.parts[part]]
    counted: list[int] = np.bincount(labels, minlength=len(data.label_names)).tolist()
    return counted


def class_scores(labels: IntArray, predicted: IntArray, classes: int) -> ClassScores:
    """Score predictions.

    Args:
        labels: True class of each image, at least one image.
        predicted: Predicted class of each image, ``[N]`` as well.
        classes: Number of classes.
    """
    pairs = np.ravel_multi_index((labels, predicted), (classes, classes))
    confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    return ClassScores(tuple(tuple(row) for row in confusion.tolist()))
