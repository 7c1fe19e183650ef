from __future__ import annotations

import numpy as np
import pytest

from brpnas.datasets import TEST_SHARE, held_out
from brpnas.errors import ConfigurationError
from brpnas.spaces import NasBench201

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
    with pytest.raises(ConfigurationError, match="between 0 and 1"):
        held_out(CELLS[:2], share)
