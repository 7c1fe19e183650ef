from __future__ import annotations

import numpy as np
import pytest

from brpnas.errors import SchemaError
from brpnas.search.fronts import hypervolume
from tests.search.fronts.reference import sampled_volume
from tests.seeds import first_of


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("count", [1, 5, 40])
@pytest.mark.parametrize("seed", first_of(range(5)))
def test_agrees_with_monte_carlo(objectives: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = rng.random((count, objectives)) ** 2
    draws = 40_000
    expected = sampled_volume(points, np.zeros(objectives), draws, seed)
    box = float(np.prod(points.max(axis=0)))
    tolerance = 5 * box * 0.5 / np.sqrt(draws)  # five standard errors at most
    assert hypervolume(points, np.zeros(objectives)) == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize("objectives", [2, 3, 4])
@pytest.mark.parametrize("seed", first_of(range(5)))
def test_agrees_with_pymoo(objectives: int, seed: int) -> None:
    indicator = pytest.importorskip("pymoo.indicators.hv")
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 12, (80, objectives)) / 12  # ties
    reference = np.full(objectives, 0.2)
    expected = indicator.HV(ref_point=-reference)(-points)
    assert hypervolume(points, reference) == pytest.approx(float(expected), abs=1e-12)


def test_by_hand() -> None:
    assert hypervolume([[3.0, 1.0], [1.0, 2.0]], [0.0, 0.0]) == 4.0
    boxes = [[1.0, 1.0, 3.0], [2.0, 2.0, 1.0]]
    assert hypervolume(boxes, [0.0, 0.0, 0.0]) == 3.0 + 4.0 - 1.0
    assert hypervolume([[0.5], [0.75]], [0.25]) == 0.5


def test_grows_with_every_new_member_and_not_with_dominated_points() -> None:
    points = [[3.0, 1.0, 1.0], [1.0, 2.0, 2.0]]
    volume = hypervolume(points, [0.0, 0.0, 0.0])
    assert hypervolume([*points, [1.0, 1.0, 1.0]], [0.0, 0.0, 0.0]) == volume
    assert hypervolume([*points, [0.5, 0.5, 3.0]], [0.0, 0.0, 0.0]) > volume


def test_points_outside_of_the_reference_count_nothing() -> None:
    assert hypervolume([[5.0, -1.0], [np.nan, 2.0], [1.0, 0.0]], [0.0, 0.0]) == 0.0
    assert hypervolume(np.zeros((0, 2)), [0.0, 0.0]) == 0.0


@pytest.mark.parametrize(
    ("points", "reference"),
    [([[1.0, 2.0]], [0.0]), ([[1.0, np.inf]], [0.0, 0.0]), ([[1.0, 2.0]], [0.0, np.nan])],
)
def test_misfits_are_refused(points: list[list[float]], reference: list[float]) -> None:
    with pytest.raises(SchemaError, match="hypervolume"):
        hypervolume(points, reference)
