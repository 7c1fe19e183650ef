from __future__ import annotations

import numpy as np
import pytest

from brpnas.datasets import TEST_SHARE, fitting_rows, held_out
from brpnas.errors import ConfigurationError
from brpnas.spaces import NasBench201
from tests.seeds import first_of

CELLS = NasBench201().enumerate()
PINNED = [0, 4, 7, 27, 30, 36]


def test_the_share_is_kept_over_the_space() -> None:
    assert held_out(CELLS).mean() == pytest.approx(TEST_SHARE, abs=0.01)
    assert not held_out(CELLS, 0.0).any()
    assert held_out(CELLS, 1.0).all()


def test_test_rows_are_the_same_in_every_version() -> None:
    assert np.flatnonzero(held_out(CELLS[:40])).tolist() == PINNED


def test_a_larger_share_holds_the_smaller_one() -> None:
    small, large = held_out(CELLS, 0.1), held_out(CELLS, 0.3)
    assert (large | ~small).all()
    assert large.sum() > small.sum()


def test_it_depends_on_the_cell_alone() -> None:
    order = np.random.default_rng(0).permutation(500)
    shuffled = held_out([CELLS[i] for i in order])
    assert (shuffled == held_out(CELLS[:500])[order]).all()


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_lies_between_0_and_1(share: float) -> None:
    with pytest.raises(ConfigurationError, match="from 0 to 1"):
        held_out(CELLS[:2], share)


@pytest.mark.parametrize("count", [2, 3, 8, 10, 30, 150, 3000])
@pytest.mark.parametrize("seed", first_of(range(3)))
def test_rows_that_fit_leave_one_to_test_on(count: int, seed: int) -> None:
    cells = np.random.default_rng(seed).permutation(CELLS)[:count].tolist()
    held = held_out(cells)
    found = fitting_rows(cells)
    if found is None:
        assert (~held).sum() < 2 or count == 2
        return
    train, valid = found
    assert 0 < train <= 900
    assert 0 < valid <= 100
    assert train + valid <= (~held).sum()
    assert train + valid < count
    assert train + valid == min(1000, (~held).sum(), count - 1) or (train, valid) == (900, 100)


def test_a_table_of_test_rows_alone_has_none_to_learn_from() -> None:
    assert fitting_rows(CELLS[:20], 1.0) is None
    assert fitting_rows([]) is None
