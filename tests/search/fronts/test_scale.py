from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import SchemaError
from brpnas.search.fronts import Scale, hypervolume, pareto_front


def test_the_range_is_of_the_front_alone() -> None:
    points = [[0.9, -5.0], [0.8, -1.0], [0.1, -9.0]]  # the last is dominated
    scale = Scale.of(points)
    assert (scale.ideal, scale.nadir) == ((0.9, -1.0), (0.8, -5.0))
    assert scale.reference == (0.79, -5.4)
    assert scale.normalised(points[:2]) == pytest.approx(np.array([[1.0, 0.0], [0.0, 1.0]]))


def test_units_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    points = rng.random((50, 3))
    factors = np.array([100.0, 0.001, 7.0])
    scale, other = Scale.of(points), Scale.of(points * factors)
    assert other.hypervolume(points * factors) == pytest.approx(scale.hypervolume(points))


def test_is_the_hypervolume_over_the_reference_in_ranges() -> None:
    points = np.random.default_rng(1).random((30, 2))
    scale = Scale.of(points)
    box = np.prod(np.array(scale.ideal) - np.array(scale.nadir))
    expected = hypervolume(points, scale.reference) / box
    assert scale.hypervolume(points) == pytest.approx(float(expected))


def test_a_front_of_one_keeps_its_units() -> None:
    scale = Scale.of([[0.9, -5.0]])
    assert scale.reference == (0.8, -5.1)
    assert scale.hypervolume([[0.9, -5.0]]) == pytest.approx(0.01)


@pytest.mark.parametrize("points", [np.zeros((0, 2)), [[np.nan, 1.0]]])
def test_nothing_to_scale(points: list[list[float]]) -> None:
    with pytest.raises(SchemaError):
        Scale.of(points)


def test_extremes_count() -> None:
    points = np.array([[1.0, 0.0], [0.6, 0.6], [0.0, 1.0]])
    scale = Scale.of(points)
    assert pareto_front(points).all()
    assert scale.hypervolume(points[1:]) < scale.hypervolume(points)
