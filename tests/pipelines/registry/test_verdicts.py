"""Champions in the registry, by the gates of `conf/base`, and refused challengers.

The verdicts on trained predictors are slow tests; test_promotion.py has a test of each refusal with
models made by hand.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from brpnas.predictors import MetricPredictor
from pipelines.registry import Challenger, promote, register
from tests.cli.models import SPACE, train_latency
from tests.pipelines.registry.challengers import TOLERANCE, Exported, broken, noisy, train
from tests.pipelines.registry.toys import NAME, config
from tests.seeds import first_of

KINDS = (
    "missing champion",
    "worse, fewer rows",
    "worse, shuffled labels",
    "worse, noisy weights",
    "equal",
    "NaN",
    "failed parity",
    "unknown parity",
    "fewer test rows",
    "better",
)
"""Challengers in their order; the first and the last become champion."""
GRAPHS = SPACE.encode(SPACE.sample(np.random.default_rng(0), 30), "pruned")


@pytest.fixture(scope="module")
def predictor() -> MetricPredictor:
    return train_latency()


@pytest.mark.parametrize("seed", first_of(range(5)))
def test_broken_answers_nan(predictor: MetricPredictor, seed: int) -> None:
    answers = broken(predictor, np.random.default_rng(seed)).predict_batch(GRAPHS)
    assert np.isnan(answers).any()


def test_noisy_answers_otherwise_and_its_original_as_before(predictor: MetricPredictor) -> None:
    before = predictor.predict_batch(GRAPHS)
    answers = noisy(predictor, np.random.default_rng(0)).predict_batch(GRAPHS)
    assert np.isfinite(answers).all()
    assert not np.allclose(answers, before)
    np.testing.assert_array_equal(predictor.predict_batch(GRAPHS), before)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("seed", range(3))
def test_only_the_first_and_a_better_one_are_promoted(seed: int) -> None:
    found = verdicts(train(seed))
    assert [kind for kind in KINDS if found[kind] == "promoted"] == [KINDS[0], KINDS[-1]]


def verdicts(predictors: dict[str, Exported]) -> dict[str, str]:
    """Register and judge the predictors one after another; the verdict on each."""
    better = predictors["better"]
    challengers: dict[str, tuple[Exported, float | None]] = {
        "missing champion": (predictors["champion"], predictors["champion"].parity),
        **{kind: (predictors[kind], predictors[kind].parity) for kind in KINDS[1:4]},
        "equal": (predictors["champion"], predictors["champion"].parity),
        "NaN": (predictors["NaN"], predictors["NaN"].parity),
        "failed parity": (better, 10 * TOLERANCE),
        "unknown parity": (better, None),
        "fewer test rows": (replace(better, test=better.test[:-1]), better.parity),
        "better": (better, better.parity),
    }
    found: dict[str, str] = {}
    for kind in KINDS:
        exported, parity = challengers[kind]
        register(
            Challenger(
                NAME,
                "latency",
                exported.onnx,
                exported.test,
                parity,
                TOLERANCE,
                card=f"# {kind}\n",
                licence="Apache-2.0\n",
            )
        )
        found[kind] = promote(NAME, config()).verdict
    return found
