"""The margin of a latency limit covers what it says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks import constrained
from benchmarks.constrained import bounds, upper_factor


def literal_factor(predicted: np.ndarray, true: np.ndarray, confidence: float) -> float:
    """The smallest ratio that at least (n + 1) * confidence of the n ratios do not exceed."""
    ratios = [t / p for t, p in zip(true, predicted, strict=True)]
    enough = [r for r in ratios if sum(x <= r for x in ratios) >= (len(ratios) + 1) * confidence]
    return max(1.0, min(enough, default=max(ratios)))


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.95, 0.999])
@pytest.mark.parametrize("rows", [5, 99, 100])
def test_factor_is_the_quantile_counted_by_hand(rows: int, confidence: float) -> None:
    rng = np.random.default_rng(rows)
    true, predicted = rng.uniform(1, 9, rows), rng.uniform(1, 9, rows)
    found = upper_factor(predicted, true, confidence)
    assert found == pytest.approx(literal_factor(predicted, true, confidence))


def test_new_cells_are_within_the_bound_as_often_as_promised() -> None:
    rng = np.random.default_rng(0)
    covered = []
    for _ in range(400):
        error = rng.lognormal(0, 0.1, 300)
        factor = upper_factor(np.ones(100), error[:100], 0.9)
        covered.append((error[100:] <= factor).mean())
    assert np.mean(covered) == pytest.approx(0.9, abs=0.01)


def test_no_confidence_is_no_margin_and_none_is_below_one() -> None:
    assert upper_factor([1, 1], [3, 3], 0.0) == 1.0
    assert upper_factor([2, 2, 2], [1, 1, 1], 0.9) == 1.0


def test_measured_cells_are_compared_by_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    true = np.array([1.0, 2.0, 3.0, np.nan])
    monkeypatch.setattr(constrained, "_latency", lambda device: true)
    fitted = {"predicted": [1.1, 1.0, 3.5, 5.0], "train": [0], "valid": [1]}
    np.testing.assert_allclose(bounds("d", fitted, 0.9), [1.0, 2.0, 7.0, 10.0])
    np.testing.assert_allclose(bounds("d", fitted, 0.0), [1.0, 2.0, 3.5, 5.0])


def test_figures_leave_the_twin_out_of_the_mean_alone() -> None:
    rows = pd.DataFrame(
        [
            {"dataset": "d", "confidence": 0.9, "device": device, "limit": "tight", "seed": seed,
             "within": device == "a", "over": -0.1, "queried_within": 1.0, "regret": 0.01 * seed,
             "verified": 0.02, "measured": 1, "latency": 0.0}
            for device in ("a", constrained.TWIN)
            for seed in (1, 3)
        ]
    )  # fmt: skip
    noise = {"d": {"a": {"tight": 0.4}, constrained.TWIN: {"tight": 9.0}}}
    (case,) = constrained._figures(rows, noise)
    assert case["all"]["within"] == 1.0
    assert case["all"]["regret"] == [2.0, pytest.approx(1.414)]
    assert case["all"]["noise"] == 0.4
    assert case["devices"][constrained.TWIN]["tight"]["within"] == 0.0
