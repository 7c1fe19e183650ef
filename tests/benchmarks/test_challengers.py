"""The challengers of the benchmark are what their names say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.challengers import broken, noisy
from benchmarks.promote import KINDS
from brpnas.predictors import LatencyPredictor
from tests.cli.models import SPACE, train_latency
from tests.seeds import first_of

GRAPHS = SPACE.encode(SPACE.sample(np.random.default_rng(0), 30), "pruned")


@pytest.fixture(scope="module")
def predictor() -> LatencyPredictor:
    return train_latency()


@pytest.mark.parametrize("seed", first_of(range(5)))
def test_broken_answers_nan(predictor: LatencyPredictor, seed: int) -> None:
    answers = broken(predictor, np.random.default_rng(seed)).predict_batch(GRAPHS)
    assert np.isnan(answers).any()


def test_noisy_answers_otherwise_and_its_original_as_before(predictor: LatencyPredictor) -> None:
    before = predictor.predict_batch(GRAPHS)
    answers = noisy(predictor, np.random.default_rng(0)).predict_batch(GRAPHS)
    assert np.isfinite(answers).all()
    assert not np.allclose(answers, before)
    np.testing.assert_array_equal(predictor.predict_batch(GRAPHS), before)


def test_only_the_first_and_the_last_are_to_be_promoted() -> None:
    assert (KINDS[0], KINDS[-1]) == ("missing champion", "better")
    assert len([kind for kind in KINDS if kind.startswith("worse")]) == 3
