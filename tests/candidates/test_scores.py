from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, precision_score, recall_score

from brpnas.candidates import ImageSource, class_scores
from brpnas.candidates.scores import class_counts

LABELS = np.array([0] * 6 + [1] * 3 + [2] * 1)
LAZY = np.zeros(10, np.int64)


def test_accuracy_of_a_lazy_network_hides_what_recall_shows() -> None:
    scores = class_scores(LABELS, LAZY, 4)
    assert scores.accuracy == scores.largest_share == 0.6
    assert scores.recall == (1, 0, 0, None), "the fourth class has no image"
    assert scores.balanced_accuracy == pytest.approx(1 / 3)
    assert scores.never_recognised == (1, 2)
    assert (scores.images, scores.largest_class) == ((6, 3, 1, 0), 0)
    assert scores.precision == (0.6, None, None, None)
    assert scores.confusion[1] == (3, 0, 0, 0)
    assert (scores.value("accuracy"), scores.value("balanced_accuracy")) == (
        scores.accuracy,
        scores.balanced_accuracy,
    )


def test_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, said = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    scores = class_scores(labels, said, 5)
    assert scores.accuracy == np.mean(labels == said)
    assert scores.balanced_accuracy == balanced_accuracy_score(labels, said)
    np.testing.assert_allclose(scores.recall, recall_score(labels, said, average=None))
    np.testing.assert_allclose(scores.precision, precision_score(labels, said, average=None))
    assert np.sum(scores.confusion) == 200


def test_a_class_that_only_occurs_in_predictions_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = class_scores(np.array([0, 0]), np.array([0, 1]), 2)
    assert (scores.accuracy, scores.balanced_accuracy, scores.recall) == (0.5, 0.5, (0.5, None))


def test_images_are_counted_by_class() -> None:
    data = ImageSource().load()
    counts = class_counts(data, "test")
    assert sum(counts) == len(data.parts["test"])
    assert counts[3] == np.sum(data.labels[data.parts["test"]] == 3)
