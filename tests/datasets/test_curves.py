from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from brpnas.datasets import CURVES, validate
from brpnas.datasets.curves import curve_figures, curve_matrix
from brpnas.errors import SchemaError

VALUES = np.array([[0.1, 0.5, 0.6], [0.2, 0.4, 0.9], [0.3, 0.3, 0.8], [0.1, 0.1, 0.7]])
KEYS = [("a", 0), ("a", 1), ("b", 0), ("c", 0)]


def curves(values: np.ndarray = VALUES) -> pd.DataFrame:
    rows = [
        (arch_id, "digits", seed, epoch, value)
        for (arch_id, seed), row in zip(KEYS, values, strict=True)
        for epoch, value in enumerate(row, start=1)
    ]
    table = pd.DataFrame(rows, columns=list(CURVES.columns))
    return validate(table.astype({"arch_id": "str", "dataset": "str"}), CURVES, origin="the test")


def test_a_row_per_training_whatever_the_order() -> None:
    wide = curve_matrix(curves().sample(frac=1, random_state=0))
    assert list(wide.index) == KEYS
    assert list(wide.columns) == [1, 2, 3]
    np.testing.assert_array_equal(wide.to_numpy(), VALUES)


def test_figures_are_those_of_each_epoch() -> None:
    found = curve_figures(curves())
    assert (found["trainings"], found["cells"], found["epochs"]) == (4, 3, 3)
    assert found["median"] == pytest.approx([0.15, 0.35, 0.75])
    expected = [spearmanr(VALUES[:, epoch], VALUES[:, 2])[0] for epoch in range(3)]
    assert found["spearman_with_last"] == pytest.approx(expected)
    assert found["spearman_with_last"][-1] == pytest.approx(1)


def test_an_epoch_without_differences_orders_nothing() -> None:
    values = VALUES.copy()
    values[:, 0] = 0.1
    assert curve_figures(curves(values))["spearman_with_last"][0] is None


@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_missing_epoch_is_named(epoch: int) -> None:
    table = curves()
    gone = (table["arch_id"] == "b") & (table["epoch"] == epoch)
    with pytest.raises(SchemaError, match=r"\bb, seed 0"):
        curve_matrix(table[~gone])


def test_an_epoch_that_all_lack() -> None:
    table = curves()
    with pytest.raises(SchemaError, match=r"\b0 trainings"):
        curve_matrix(table[table["epoch"] != 2])


@pytest.mark.parametrize("change", [{"epoch": 0}, {"accuracy": 1.1}, {"seed": -1}])
def test_values_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(SchemaError, match=next(iter(change))):
        validate(curves().assign(**change), CURVES, origin="it")
