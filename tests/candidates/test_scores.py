from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_score,
    recall_score,
)

from brpnas.candidates import ImageSource, class_scores
from brpnas.candidates.scores import class_counts
from tests.seeds import first_of

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


@pytest.mark.parametrize("seed", first_of(range(5)))
def test_scikit_learn_agrees_where_classes_are_missing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, said = rng.choice([0, 2, 3, 6], 37), rng.integers(0, 8, 37)
    scores = class_scores(labels, said, 8)
    assert scores.confusion == tuple(
        map(tuple, confusion_matrix(labels, said, labels=range(8)).tolist())
    )
    assert scores.accuracy == accuracy_score(labels, said)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert scores.balanced_accuracy == balanced_accuracy_score(labels, said)


def test_scoring_needs_no_scikit_learn() -> None:
    """An installation without the extra must not fail after the training."""
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "import numpy as np\n"
        "from brpnas.candidates import class_scores\n"
        "print(class_scores(np.array([0, 1, 1, 1]), np.array([0, 1, 0, 0]), 3).balanced_accuracy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert float(done.stdout) == pytest.approx(2 / 3), done.stderr


def test_images_are_counted_by_class() -> None:
    data = ImageSource().load()
    counts = class_counts(data, "test")
    assert sum(counts) == len(data.parts["test"])
    assert counts[3] == np.sum(data.labels[data.parts["test"]] == 3)
