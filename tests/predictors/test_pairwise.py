from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from brpnas.errors import BrpNasError, ConfigurationError
from brpnas.graphs import GraphBatch
from brpnas.predictors import MetricPredictor, PairwiseRanker, TrainingConfig
from brpnas.testing import PredictorContract
from tests.predictors.toys import TINY, eager_ms, rows_of, some

ACCURACY = eager_ms(rows_of(40)) / 10  # anything that the cells explain


def fitted(seed: int = 0, config: TrainingConfig = TINY, members: int = 2) -> Any:
    predictor = PairwiseRanker(config, members)
    predictor.fit(some("pruned", 40), ACCURACY, seed)
    return predictor


class TestPairwiseRanker(PredictorContract):
    kind: ClassVar[type[Any]] = PairwiseRanker
    other_kind: ClassVar[type[Any]] = MetricPredictor

    def make(self, seed: int = 0, config: TrainingConfig = TINY, members: int = 2) -> Any:
        return fitted(seed, config, members)

    def answers(self, predictor: Any, batch: GraphBatch) -> npt.NDArray[np.float64]:
        answers: npt.NDArray[np.float64] = predictor.score(batch)
        return answers


@pytest.fixture(scope="module")
def predictor() -> Any:
    return fitted()


def test_either_one_is_better(predictor: Any) -> None:
    a, b = some("pruned", 60, seed=1), some("pruned", 60, seed=2)
    there, back = predictor.probability(a, b), predictor.probability(b, a)
    np.testing.assert_allclose(there + back, 1, rtol=0, atol=1e-12)
    assert ((there > 0) & (there < 1)).all()
    assert there.std() > 1e-3


def test_a_graph_is_as_good_as_itself(predictor: Any) -> None:
    a = some("pruned", 20)
    np.testing.assert_allclose(predictor.probability(a, a), 0.5)


def test_probability_is_the_logistic_of_the_difference(predictor: Any) -> None:
    a, b = some("pruned", 20, seed=1), some("pruned", 20, seed=2)
    odds = np.exp(predictor.score(a) - predictor.score(b))
    np.testing.assert_allclose(predictor.probability(a, b), odds / (1 + odds))
    assert ((predictor.probability(a, b) > 0.5) == (predictor.score(a) > predictor.score(b))).all()


def test_comparisons_are_transitive(predictor: Any) -> None:
    batch = some("pruned", 12)
    n = len(batch)
    first, second = np.divmod(np.arange(n * n), n)
    wins = (predictor.probability(batch[first], batch[second]) > 0.5).reshape(n, n).sum(axis=1)
    np.testing.assert_array_equal(np.argsort(wins), np.argsort(predictor.score(batch)))


def test_higher_accuracy_gets_the_higher_score() -> None:
    config = replace(TINY, hidden=16, epochs=20, learning_rate=5e-3)
    trained = fitted(config=config)
    better, worse = np.argsort(ACCURACY)[-10:], np.argsort(ACCURACY)[:10]
    batch = some("pruned", 40)
    assert trained.probability(batch[better], batch[worse]).mean() > 0.8


def test_only_the_order_of_accuracies_counts() -> None:
    stretched = PairwiseRanker(TINY)
    stretched.fit(some("pruned", 40), np.exp(3 * ACCURACY), 0)
    batch = some("pruned", 30, seed=4)
    np.testing.assert_array_equal(stretched.score(batch), fitted().score(batch))


def test_fit_starts_from_nothing() -> None:
    trained = fitted()
    batch = some("pruned", 30, seed=4)
    expected = trained.score(batch)
    trained.fit(some("pruned", 40), -ACCURACY, 7)
    assert (trained.score(batch) != expected).any()
    trained.fit(some("pruned", 40), ACCURACY, 0)
    np.testing.assert_array_equal(trained.score(batch), expected)


def test_members_are_averaged() -> None:
    batch = some("pruned", 30, seed=4)
    trained = fitted(members=3)
    assert len(trained.module().members) == 3
    alone = fitted(members=1).score(batch)
    assert np.abs(alone - trained.score(batch)).max() > 1e-3
    first = trained.module().members[0]
    trained.module().members = type(trained.module().members)([first])
    np.testing.assert_array_equal(trained.score(batch), alone)


def test_equal_accuracies_teach_nothing_and_break_nothing() -> None:
    predictor = PairwiseRanker(TINY)
    predictor.fit(some("pruned", 10), np.full(10, 0.9), 0)
    assert np.isfinite(predictor.score(some("pruned"))).all()


def test_reads_what_a_cell_computes_unless_told_otherwise() -> None:
    assert PairwiseRanker(TINY).view == "function"


def test_view_is_kept(tmp_path: Any) -> None:
    predictor = PairwiseRanker(TINY, view="raw")
    predictor.fit(some("raw", 10), ACCURACY[:10], 0)
    predictor.save(tmp_path / "brp.safetensors")
    loaded = PairwiseRanker.load(tmp_path / "brp.safetensors")
    assert (loaded.view, loaded.members, loaded.config) == ("raw", 2, TINY)


def test_use_before_fit_says_what_to_do(tmp_path: Any) -> None:
    predictor, batch = PairwiseRanker(TINY), some("pruned")
    for use in (
        lambda: predictor.score(batch),
        lambda: predictor.probability(batch, batch),
        predictor.module,
        lambda: predictor.save(tmp_path / "x"),
    ):
        with pytest.raises(BrpNasError, match=r"\bfit\b"):
            use()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", [0, 1])
def test_one_architecture_cannot_be_ranked(count: int) -> None:
    with pytest.raises(ConfigurationError, match="two architectures"):
        PairwiseRanker(TINY).fit(some("pruned", count), ACCURACY[:count], 0)


def test_every_architecture_needs_an_accuracy() -> None:
    with pytest.raises(ConfigurationError, match=r"24 graphs .* 3 targets"):
        PairwiseRanker(TINY).fit(some("pruned"), ACCURACY[:3], 0)


def test_an_accuracy_that_is_missing_is_refused() -> None:
    accuracy = ACCURACY.copy()
    accuracy[3] = np.nan
    with pytest.raises(BrpNasError, match="finite"):
        PairwiseRanker(TINY).fit(some("pruned", 40), accuracy, 0)


@pytest.mark.parametrize("members", [0, -1])
def test_members_must_be_positive(members: int) -> None:
    with pytest.raises(ConfigurationError, match=f"not {members}"):
        PairwiseRanker(TINY, members)
