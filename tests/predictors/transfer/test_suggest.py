"""Suggestions against brute force: the best first cell, the best next ones, better than chance."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from brpnas.errors import BudgetError
from brpnas.predictors.transfer import suggest_rows
from brpnas.predictors.transfer.kernel import DeviceRows, Hyperparameters, condition
from tests.predictors.toys import cells, rows_of
from tests.predictors.transfer.toys import everywhere, random_features

HYPERPARAMETERS = Hyperparameters.start(3)
CELLS = 60


@pytest.fixture(scope="module")
def features() -> list[Tensor]:
    return random_features(CELLS, seed=4)


def doubt(hyperparameters: Hyperparameters, features: list[Tensor], rows: list[int]) -> float:
    """Mean variance of all cells after some rows are measured, for any values of these rows."""
    seen = DeviceRows([x[rows] for x in features], torch.zeros(len(rows), dtype=torch.float64))
    return float(condition(hyperparameters, seen).predict(features)[1].mean())


def greedy(features: list[Tensor], known: list[int], open_rows: list[int], count: int) -> list[int]:
    """Greedy choice of the cell with the least remaining variance; one fit for each candidate."""
    chosen: list[int] = []
    for _ in range(count):
        rest = [row for row in open_rows if row not in chosen and row not in known]
        left = [doubt(HYPERPARAMETERS, features, [*known, *chosen, row]) for row in rest]
        chosen.append(rest[int(np.argmin(left))])
    return chosen


def test_the_first_is_the_best_of_all(features: list[Tensor]) -> None:
    left = [doubt(HYPERPARAMETERS, features, [row]) for row in range(CELLS)]
    for seed in range(3):  # all cells are compared here, so the seed changes nothing
        assert suggest_rows(features, 1, seed=seed).tolist() == [int(np.argmin(left))]


def test_each_next_one_is_the_best_after_those_before(features: list[Tensor]) -> None:
    expected = greedy(features, [], list(range(CELLS)), 5)
    assert suggest_rows(features, 5).tolist() == expected
    assert suggest_rows(features, 3).tolist() == expected[:3]


def test_what_is_measured_already_counts(features: list[Tensor]) -> None:
    first = suggest_rows(features, 2)
    rest = suggest_rows(features, 3, measured=first)
    np.testing.assert_array_equal([*first, *rest], suggest_rows(features, 5))
    known = [1, 17, 40]
    expected = greedy(features, known, list(range(CELLS)), 3)
    measured = np.array([40, 1, 17, 17])  # in any order, and more than once
    assert suggest_rows(features, 3, measured=measured).tolist() == expected


def test_only_what_can_be_measured_and_is_not(features: list[Tensor]) -> None:
    among, measured = np.arange(10, 30), np.arange(0, 60, 3)
    picked = suggest_rows(features, 14, among=among, measured=measured)
    assert sorted(picked) == sorted(set(among) - set(measured))
    twice = np.concatenate([among, among])
    np.testing.assert_array_equal(
        suggest_rows(features, 14, among=twice, measured=measured), picked
    )


@pytest.mark.parametrize("count", [0, -1, 61])
def test_more_than_there_are_or_none(features: list[Tensor], count: int) -> None:
    with pytest.raises(BudgetError, match=f"{count} of 60 cells"):
        suggest_rows(features, count)


def test_nothing_left_to_measure(features: list[Tensor]) -> None:
    with pytest.raises(BudgetError, match="1 of 0 cells"):
        suggest_rows(features, 1, among=np.arange(5), measured=np.arange(9))


def test_all_cells_can_be_asked_for(features: list[Tensor]) -> None:
    assert sorted(suggest_rows(features, CELLS)) == list(range(CELLS))


@pytest.fixture(scope="module", autouse=True)
def _fewer_candidates() -> Iterator[None]:
    """Suggest from 300 rows of the space, not from 1,500."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("brpnas.predictors.transfer.suggest._CANDIDATES", 300)
        yield


@pytest.fixture(scope="module")
def picked() -> np.ndarray:
    """Fifteen cells of the whole space."""
    return suggest_rows(everywhere(), 15)


class TestInASpace:
    def test_rows_are_distinct_cells_of_it(self, picked: np.ndarray) -> None:
        assert picked.shape == (15,)
        assert len(set(picked.tolist())) == 15
        assert 0 <= picked.min() <= picked.max() < len(cells())

    def test_the_seed_decides(self, picked: np.ndarray) -> None:
        state = torch.get_rng_state()
        again = suggest_rows(everywhere(), 15)
        np.testing.assert_array_equal(again, picked)
        assert suggest_rows(everywhere(), 15, seed=1).tolist() != picked.tolist()
        assert torch.equal(torch.get_rng_state(), state)

    def test_they_leave_less_doubt_than_random_ones(self, picked: np.ndarray) -> None:
        some = [x[rows_of(2000, seed=50)] for x in everywhere()]
        start = Hyperparameters.start(len(some))

        def left(rows: np.ndarray) -> float:
            seen = DeviceRows([x[rows] for x in everywhere()], torch.zeros(15, dtype=torch.float64))
            return float(condition(start, seen).predict(some)[1].mean())

        by_chance = [left(rows_of(15, seed)) for seed in range(20)]
        assert left(picked) < min(by_chance)
        assert left(picked) < 0.9 * np.mean(by_chance)
