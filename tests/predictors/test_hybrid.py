from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from brpnas.errors import BrpNasError, ConfigurationError
from brpnas.metrics import kendall
from brpnas.predictors import HybridRanker, PairwiseRanker, TrainingConfig
from brpnas.predictors.hybrid import normal_scores
from tests.predictors.toys import TINY, eager_ms, padded, permuted, rows_of, some
from tests.seeds import first_of

ACCURACY = eager_ms(rows_of(40)) / 10  # anything that the cells explain


def fitted(seed: int = 0, config: TrainingConfig = TINY) -> HybridRanker:
    ranker = HybridRanker(PairwiseRanker(config, 2))
    ranker.fit(some("pruned", 40), ACCURACY, seed)
    return ranker


@pytest.fixture(scope="module")
def ranker() -> HybridRanker:
    return fitted()


def test_score_is_the_sum_of_two_standardised_scores(ranker: HybridRanker) -> None:
    seen, others = some("pruned", 40), some("pruned", 60, seed=1)
    parts = (ranker.pairwise.score, ranker.expected)
    expected = sum(part(others) / part(seen).std() for part in parts)
    np.testing.assert_allclose(ranker.score(others), expected)


def test_deviations_are_smaller_near_what_was_seen(ranker: HybridRanker) -> None:
    seen, others = some("pruned", 40), some("pruned", 60, seed=1)
    found = ranker.deviations(others)
    assert found.shape == (60,)
    assert 0 < ranker.deviations(seen).mean() < found.mean()
    assert ranker.deviations(seen[:0]).shape == (0,)
    with pytest.raises(BrpNasError, match="fit first"):
        HybridRanker(PairwiseRanker(TINY, 1)).deviations(seen)


def test_a_graph_is_scored_alone_as_in_company(ranker: HybridRanker) -> None:
    batch = some("pruned", 50)
    alone = [ranker.score(batch[i : i + 1])[0] for i in range(10)]
    np.testing.assert_allclose(alone, ranker.score(batch)[:10], rtol=1e-4, atol=1e-5)
    assert ranker.score(batch[:0]).shape == (0,)


def test_order_of_nodes_and_padding_do_not_matter(ranker: HybridRanker) -> None:
    batch = some("pruned", 50)
    for other in (permuted(batch), padded(batch)):
        np.testing.assert_allclose(ranker.score(other), ranker.score(batch), rtol=1e-4, atol=1e-4)


def test_same_seed_same_scores(ranker: HybridRanker) -> None:
    batch = some("pruned", 50)
    np.testing.assert_array_equal(fitted().score(batch), ranker.score(batch))
    assert (fitted(seed=1).score(batch) != ranker.score(batch)).any()


def test_scale_of_the_accuracies_does_not_matter(ranker: HybridRanker) -> None:
    other = HybridRanker(PairwiseRanker(TINY, 2))
    other.fit(some("pruned", 40), 4 * ACCURACY, 0)
    batch = some("pruned", 50)
    np.testing.assert_allclose(other.score(batch), ranker.score(batch))


@pytest.mark.parametrize("seeds", first_of([range(1), range(1, 4)]))
def test_it_ranks_better_than_the_pairwise_ranker_alone(seeds: range) -> None:
    config = TrainingConfig(hidden=32, layers=3, epochs=60, batch_size=16)
    gains = []
    for seed in seeds:
        ranker = HybridRanker(PairwiseRanker(config, 1))
        seen, others = some("pruned", 40, seed=seed), some("pruned", 300, seed=9)
        ranker.fit(seen, operations(seen), seed)
        gains.append(
            kendall(ranker.score(others), operations(others))
            - kendall(ranker.pairwise.score(others), operations(others))
        )
    assert np.mean(gains) > 0.02, gains


def operations(graphs) -> np.ndarray:
    """Something like an accuracy: convolutions help, each one less than the one before."""
    convolutions = ((graphs.ops == 6) + 2 * (graphs.ops == 7)).sum(axis=1)
    edges = graphs.adj[:, 1:, 1:].sum(axis=(1, 2))
    return np.log1p(convolutions) + 0.01 * edges


def test_it_must_be_trained_first() -> None:
    with pytest.raises(BrpNasError, match=r"\bfit\b"):
        HybridRanker(PairwiseRanker(TINY)).expected(some("pruned", 2))


def test_one_architecture_is_too_few() -> None:
    with pytest.raises(ConfigurationError, match="two"):
        HybridRanker(PairwiseRanker(TINY)).fit(some("pruned", 1), np.ones(1), 0)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_very_few_architectures_are_enough(count: int) -> None:
    ranker = HybridRanker(PairwiseRanker(TINY, 1))
    ranker.fit(some("pruned", count), np.arange(count) / 10, 0)
    assert np.isfinite(ranker.score(some("pruned", 30))).all()


def test_equal_accuracies_give_finite_scores() -> None:
    ranker = HybridRanker(PairwiseRanker(TINY, 1))
    ranker.fit(some("pruned", 6), np.full(6, 0.5), 0)
    assert np.isfinite(ranker.score(some("pruned", 30))).all()


def test_normal_scores_are_quantiles_of_ranks() -> None:
    values = np.array([0.3, 0.9, 0.1, 0.3])
    expected = scipy.stats.norm.ppf([0.5, 0.875, 0.125, 0.5])
    np.testing.assert_allclose(normal_scores(values), expected)
