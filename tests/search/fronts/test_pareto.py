from __future__ import annotations

import time

import numpy as np
import pytest

from brpnas.errors import SchemaError
from brpnas.search.fronts import pareto_front
from tests.search.fronts.reference import slow_front
from tests.seeds import first_of


@pytest.mark.parametrize("seed", first_of(range(20)))
@pytest.mark.parametrize("levels", [2, 5, 1000])
@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_equals_the_slow_reference(seed: int, levels: int, objectives: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.integers(0, levels, (60, objectives)).astype(float)  # few levels: many ties
    points[rng.random(points.shape) < 0.05] = np.nan
    assert np.array_equal(pareto_front(points), slow_front(points))


def test_equal_points_are_all_kept() -> None:
    points = [[1, 0.5, 2], [1, 0.5, 2], [1, 0.5, 1]]
    assert pareto_front(points).tolist() == [True, True, False]


def test_infinities_are_values_like_others() -> None:
    points = np.array([[np.inf, -np.inf], [-np.inf, -np.inf], [1.0, np.inf], [np.inf, -1.0]])
    assert np.array_equal(pareto_front(points), slow_front(points))


def test_points_with_a_missing_value_are_not_on_the_front() -> None:
    assert pareto_front([[np.nan, 9.0], [1.0, 0.1]]).tolist() == [False, True]
    assert not pareto_front([[np.nan, np.nan]]).any()


def test_no_points() -> None:
    assert pareto_front(np.zeros((0, 3))).shape == (0,)


def test_order_of_points_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    points, order = rng.random((500, 3)), rng.permutation(500)
    assert np.array_equal(pareto_front(points)[order], pareto_front(points[order]))


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2), (4, 0)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SchemaError, match=r"\(.*\)"):
        pareto_front(np.zeros(shape))


def test_a_space_of_three_objectives_takes_well_below_a_second() -> None:
    points = np.random.default_rng(0).normal(size=(15_625, 3))
    start = time.process_time()
    front = pareto_front(points)
    assert time.process_time() - start < 1
    kept = points[front]
    assert not any((kept > point).all(axis=1).any() for point in kept)
    beaten = points[~front]
    assert all((kept >= point).all(axis=1).any() for point in beaten)
