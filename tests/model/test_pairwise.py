"""Behaviour of a trained pairwise ranker on made-up, known accuracies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from brpnas.metrics import kendall
from brpnas.predictors import PairwiseRanker, TrainingConfig
from brpnas.spaces.nasbench201.cell import to_string
from tests.predictors.toys import cells, codes, permuted, rows_of

CONFIG = TrainingConfig(hidden=16, layers=4, epochs=60, batch_size=32, learning_rate=5e-3)
GAIN = np.array([-0.05, 0.01, 0.02, 0.04, 0.0])  # of none, skip, 1x1, 3x3 and pooling
IMPORTANCE = np.array([1.0, 1.0, 0.8, 1.5, 1.0, 1.2])  # of the edges
KNOWN, HELD_OUT = np.split(rows_of(860, seed=3), [60])


def accuracy(rows: npt.NDArray[np.int64], noise: float = 0.0) -> npt.NDArray[np.float64]:
    """A sum over edges, plus the noise of training."""
    clean = 0.6 + (GAIN[codes()[rows]] * IMPORTANCE).sum(axis=1)
    return clean + np.random.default_rng(0).normal(0, 1, len(rows)) * noise


def trained(noise: float = 0.0, rows: npt.NDArray[np.int64] = KNOWN) -> PairwiseRanker:
    predictor = PairwiseRanker(CONFIG, members=1, view="raw")
    predictor.fit(cells().view("raw")[rows], accuracy(rows, noise), seed=0)
    return predictor


@pytest.fixture(scope="module")
def predictor() -> PairwiseRanker:
    return trained()


def test_ranks_cells_it_has_not_seen(predictor: PairwiseRanker) -> None:
    scores = predictor.score(cells().view("raw")[HELD_OUT])
    assert kendall(scores, accuracy(HELD_OUT)) > 0.6


def test_ranks_in_spite_of_noise() -> None:
    scores = trained(noise=0.01).score(cells().view("raw")[HELD_OUT])
    assert kendall(scores, accuracy(HELD_OUT)) > 0.55


def test_more_trainings_make_a_better_ranking(predictor: PairwiseRanker) -> None:
    batch = cells().view("raw")[HELD_OUT]
    few = kendall(trained(rows=KNOWN[:15]).score(batch), accuracy(HELD_OUT))
    assert few < kendall(predictor.score(batch), accuracy(HELD_OUT))


def test_its_best_are_among_the_best(predictor: PairwiseRanker) -> None:
    scores = predictor.score(cells().view("raw"))
    everything = np.arange(len(cells()))
    true = accuracy(everything)
    best = true[np.argsort(-scores)[:100]]
    assert (best > np.quantile(true, 0.9)).mean() > 0.8


def test_a_convolution_is_preferred_to_nothing(predictor: PairwiseRanker) -> None:
    with_none = codes()[HELD_OUT][(codes()[HELD_OUT] == 0).any(axis=1)]
    edge = (with_none == 0).argmax(axis=1)
    better = with_none.copy()
    better[np.arange(len(better)), edge] = 3
    raw = cells().view("raw")
    worse_rows, better_rows = (
        cells().rows([to_string(cell) for cell in batch.tolist()]) for batch in (with_none, better)
    )
    assert len(worse_rows) > 300
    wins = predictor.probability(raw[better_rows], raw[worse_rows]) > 0.5
    assert wins.mean() > 0.95


def test_a_comparison_and_its_reverse_add_up(predictor: PairwiseRanker) -> None:
    a, b = (cells().view("raw")[part] for part in np.split(HELD_OUT, 2))
    np.testing.assert_allclose(
        predictor.probability(a, b) + predictor.probability(b, a), 1, rtol=0, atol=1e-12
    )
    says_better = predictor.probability(a, b) > 0.5
    halves = np.split(accuracy(HELD_OUT), 2)
    assert (says_better == (halves[0] > halves[1])).mean() > 0.8


def test_the_order_of_nodes_does_not_matter(predictor: PairwiseRanker) -> None:
    batch = cells().view("raw")[HELD_OUT]
    np.testing.assert_allclose(
        predictor.score(permuted(batch)), predictor.score(batch), rtol=1e-3, atol=1e-4
    )
