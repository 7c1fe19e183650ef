from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from brpnas.conformal import error_quantile, joint_errors, log_errors, typical_ratio
from brpnas.errors import ConfigurationError


def table(rows: int = 20, deviation: float | None = 0.1, split: str = "valid") -> pd.DataFrame:
    rng = np.random.default_rng(rows)
    predicted = rng.uniform(1, 9, rows)
    return pd.DataFrame(
        {
            "split": split,
            "predicted": predicted,
            "measured": predicted * np.exp(0.1 * rng.normal(size=rows)),
            "log_deviation": deviation,
        }
    ).astype({"log_deviation": "float64"})


@pytest.mark.parametrize("deviation", [0.1, None])
def test_errors_are_those_of_validation_rows_over_their_deviations(deviation: float | None) -> None:
    rows = pd.concat([table(20, deviation), table(5, deviation, "train")])
    errors = log_errors(rows)
    want = [
        math.log(row.measured / row.predicted) / (deviation or 1.0)
        for row in rows.itertuples()
        if row.split == "valid"
    ]
    assert errors.tolist() == pytest.approx(sorted(want))


def test_without_validation_rows_they_are_normal() -> None:
    errors = log_errors(table(split="train"))
    assert errors.std() == pytest.approx(1, abs=0.02)
    assert error_quantile(errors, 0.9) == pytest.approx(1.2816, abs=0.03)
    with pytest.raises(ConfigurationError, match="train again"):
        log_errors(table(deviation=None, split="train"))


@pytest.mark.parametrize("confidence", [0.0, 0.5, 0.8, 0.95, 0.999])
@pytest.mark.parametrize("rows", [5, 99, 100])
def test_a_quantile_is_counted_by_hand(rows: int, confidence: float) -> None:
    errors = np.random.default_rng(rows).normal(size=rows)
    enough = [e for e in errors if (errors <= e).sum() >= (rows + 1) * confidence - 1e-9]
    assert error_quantile(errors, confidence) == min(enough, default=errors.max())


def test_errors_of_several_metrics_are_drawn_independently() -> None:
    errors = {"a": np.linspace(-1, 1, 50), "b": np.linspace(-3, 1, 99)}
    found = joint_errors(errors)
    assert len(found["a"]) == len(found["b"])
    for name, sample in errors.items():
        assert np.sort(found[name]).mean() == pytest.approx(sample.mean(), abs=0.01)
        assert np.quantile(found[name], 0.9) == pytest.approx(np.quantile(sample, 0.9), abs=0.05)
    assert abs(np.corrcoef(found["a"], found["b"])[0, 1]) < 0.1
    assert joint_errors(errors)["a"].tolist() == found["a"].tolist()
    assert joint_errors({"a": errors["a"]})["a"] is errors["a"]


def test_the_typical_ratio_is_a_bound_and_at_least_one() -> None:
    rows = table(100)
    ratio = typical_ratio(rows, 0.9)
    assert 1.08 < ratio < 1.2
    assert (rows["measured"] <= ratio * rows["predicted"]).mean() >= 0.9
    assert typical_ratio(rows.assign(measured=rows["predicted"] / 2), 0.9) == 1.0
