from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import SchemaError
from brpnas.report import pareto_front
from tests.seeds import first_of


def brute_force(cost: np.ndarray, value: np.ndarray) -> np.ndarray:
    front = np.zeros(len(cost), bool)
    for i in range(len(cost)):
        if np.isnan(cost[i]) or np.isnan(value[i]):
            continue
        front[i] = not any(
            cost[j] <= cost[i]
            and value[j] >= value[i]
            and (cost[j] < cost[i] or value[j] > value[i])
            for j in range(len(cost))
        )
    return front


@pytest.mark.parametrize("seed", first_of(range(20)))
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_equals_brute_force(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    cost, value = rng.integers(0, levels, (2, 60)).astype(float)  # few levels: many ties
    cost[rng.random(60) < 0.1] = np.nan
    value[rng.random(60) < 0.1] = np.nan
    assert np.array_equal(pareto_front(cost, value), brute_force(cost, value))


def test_equal_rows_are_all_kept() -> None:
    assert pareto_front([1, 1, 2], [0.5, 0.5, 0.5]).tolist() == [True, True, False]


def test_infinities_are_values_like_others() -> None:
    cost, value = np.array([-np.inf, 1.0, 1.0]), np.array([-np.inf, -np.inf, np.inf])
    assert np.array_equal(pareto_front(cost, value), brute_force(cost, value))


def test_missing_rows_are_not_on_the_front() -> None:
    assert pareto_front([np.nan, 1.0], [1.0, 0.1]).tolist() == [False, True]
    assert not pareto_front([np.nan], [np.nan]).any()


def test_no_rows() -> None:
    assert pareto_front([], []).shape == (0,)


def test_order_of_rows_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    cost, value = rng.random((2, 500))
    order = rng.permutation(500)
    assert np.array_equal(pareto_front(cost, value)[order], pareto_front(cost[order], value[order]))


@pytest.mark.parametrize("value", [[1.0], [[1.0, 2.0]]])
def test_lengths_must_agree(value: list[float]) -> None:
    with pytest.raises(SchemaError, match="equal length"):
        pareto_front([1.0, 2.0], value)
