"""Deviations of predictions, on words with errors that depend on their letters."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.predictors.deviations import Deviations, fit_deviations
from brpnas.testing.words import ToySpace

WORDS = ToySpace().enumerate()
GRAPHS = ToySpace().encode(WORDS, "pruned")
OUTPUTS = np.array([word.count("a") + 0.5 * word.count("b") for word in WORDS]) / 2
TRUE = np.array([0.3 if "a" in word else 0.03 for word in WORDS])


def fitted(seed: int = 0, scale: float = 1.0, outliers: int = 0) -> Deviations:
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(WORDS))[:200]
    errors = rng.normal(size=200) * TRUE[rows]
    is_training = np.arange(200) < 150
    errors[is_training] *= scale
    errors[:outliers] = 9.0
    return fit_deviations(GRAPHS[rows], OUTPUTS[rows], errors, is_training)


def test_finds_where_the_errors_are_large() -> None:
    found = fitted()(GRAPHS, OUTPUTS)
    assert found.shape == (len(WORDS),)
    assert np.median(found[TRUE > 0.1]) > 2.5 * np.median(found[TRUE < 0.1])


@pytest.mark.parametrize("scale", [0.1, 1.0])
def test_validation_rows_set_the_scale(scale: float) -> None:
    found = [fitted(seed, scale)(GRAPHS, OUTPUTS) for seed in range(8)]
    ratio = [np.median(np.abs(np.random.default_rng(9).normal(size=len(WORDS))) * TRUE / f)
             for f in found]  # fmt: skip
    assert np.mean(ratio) == pytest.approx(0.6745, rel=0.2)


def test_a_few_outliers_change_little() -> None:
    plain, spoilt = fitted()(GRAPHS, OUTPUTS), fitted(outliers=3)(GRAPHS, OUTPUTS)
    assert np.median(spoilt / plain) == pytest.approx(1, abs=0.15)


def test_equal_rows_without_errors_have_a_small_deviation() -> None:
    few = GRAPHS[np.zeros(10, int)]
    found = fit_deviations(few, np.zeros(10), np.zeros(10), np.arange(10) < 8)
    assert (found(GRAPHS, OUTPUTS) > 0).all()


def test_an_empty_batch_has_none() -> None:
    assert fitted()(GRAPHS[:0], OUTPUTS[:0]).shape == (0,)


def test_comes_back_from_tensors_and_refuses_others() -> None:
    found = fitted()
    again = Deviations.of_tensors(found.tensors())
    np.testing.assert_allclose(again(GRAPHS, OUTPUTS), found(GRAPHS, OUTPUTS), rtol=1e-4)
    for name in ("rows", "scale"):
        lacking = {key: x for key, x in found.tensors().items() if key != name}
        with pytest.raises(ValueError, match=name):
            Deviations.of_tensors(lacking)
        with pytest.raises(ValueError, match="contradict"):
            Deviations.of_tensors({**found.tensors(), name: found.tensors()[name][:3]})
