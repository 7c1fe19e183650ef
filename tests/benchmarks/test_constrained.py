"""What is compared with a limit, and how searches are summed up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import constrained
from benchmarks.constrained import bounds


def test_measured_cells_are_compared_by_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    true = np.array([1.0, 2.0, 3.0, np.nan])
    monkeypatch.setattr(constrained, "_latency", lambda device: true)
    fitted = {"predicted": [1.1, 1.0, 3.5, 5.0], "train": [0], "valid": [1]}
    np.testing.assert_allclose(bounds("d", fitted, "predicted", 0.9), [1.0, 2.0, 7.0, 10.0])
    np.testing.assert_allclose(bounds("d", fitted, "predicted", 0.0), [1.0, 2.0, 3.5, 5.0])
    # The only validation row is slower than predicted, so nothing is ruled out sooner than by that.
    np.testing.assert_allclose(bounds("d", fitted, "measured", 0.99), [1.0, 2.0, 3.5, 5.0])
    fitted["predicted"][1] = 4.0
    np.testing.assert_allclose(bounds("d", fitted, "measured", 0.99), [1.0, 2.0, 1.75, 2.5])


def test_a_latency_that_no_prediction_comes_near_is_implausible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        constrained, "_latency", lambda device: np.array([0.9, 2.0, 9.0, np.nan, 0.9])
    )
    fits = {
        f"{device} {seed}": {"predicted": [factor * value for value in (2.0, 2.0, 2.0, 2.0, 1.0)]}
        for device, factors in (("a", (1.0, 1.0, 0.1)), ("ab", (50.0, 50.0, 50.0)))
        for seed, factor in enumerate(factors)
    }
    assert constrained.implausible("a", fits).tolist() == [True, False, False, False, False]


def test_figures_leave_the_twin_out_of_the_mean_alone() -> None:
    rows = pd.DataFrame(
        [
            {"dataset": "d", "limit_by": "measured", "confidence": 0.9,
             "device": device,
             "limit": "tight", "seed": seed,
             "within": device == "a", "over": -0.1, "queried_within": 1.0, "regret": 0.01 * seed,
             "by_answers": 0.02, "unseen": 0.0, "verified": 0.02, "measured": 1,
             "latency": 0.0, "measurements": 100 * seed, "refused": seed}
            for device in ("a", constrained.TWIN)
            for seed in (1, 3)
        ]
    )  # fmt: skip
    noise = {"d": {"a": {"tight": 0.4}, constrained.TWIN: {"tight": 9.0}}}
    (case,) = constrained._figures(rows, noise)
    assert case["all"]["within"] == 1.0
    assert case["all"]["regret"] == [2.0, pytest.approx(1.414)]
    assert case["all"]["noise"] == 0.4
    assert (case["all"]["measurements"], case["all"]["most_measurements"]) == (200.0, 300)
    assert case["devices"][constrained.TWIN]["tight"]["within"] == 0.0
