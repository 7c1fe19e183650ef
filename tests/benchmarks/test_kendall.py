from __future__ import annotations

import numpy as np
import pytest

from benchmarks.kendall import _drawn_anew


def test_a_mean_drawn_anew_has_the_noise_of_the_mean_of_its_seeds() -> None:
    rng = np.random.default_rng(1)
    truth = np.linspace(0, 100, 6000)
    runs = truth[:, None] + 0.3 * rng.normal(size=(6000, 3))
    runs[::2, 2] = np.nan  # two seeds instead of three
    off = _drawn_anew(runs) - np.nanmean(runs, axis=1)
    assert abs(off.mean()) < 0.01
    assert off[::2].std() == pytest.approx(0.3 / np.sqrt(2), rel=0.05)
    assert off[1::2].std() == pytest.approx(0.3 / np.sqrt(3), rel=0.05)


def test_the_noise_is_that_of_cells_of_similar_accuracy() -> None:
    rng = np.random.default_rng(2)
    truth = np.linspace(0, 100, 6000)
    noise = np.where(truth < 50, 0.5, 0.1)
    runs = truth[:, None] + noise[:, None] * rng.normal(size=(6000, 2))
    off = _drawn_anew(runs) - runs.mean(axis=1)
    assert off[:2500].std() == pytest.approx(0.5 / np.sqrt(2), rel=0.07)
    assert off[3500:].std() == pytest.approx(0.1 / np.sqrt(2), rel=0.07)
