"""Means with their deviation, groups, and a paired test."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.figures import by_group, p_value, pair, three


def test_a_pair_is_mean_and_deviation() -> None:
    assert pair([1.0, 2.0, 4.0], 3) == [2.333, 1.528]
    assert pair([0.25], factor=100) == [25.0, 0.0]


def test_groups_leave_out_unknown_columns() -> None:
    rows = pd.DataFrame({"model": ["a", "a", "b"], "x": [1.0, 3.0, 5.0], "s": [1.0, 1.0, None]})
    assert by_group(rows, "model", ["x", "s"]) == {
        "a": {"x": [2.0, 1.4142], "s": [1.0, 0.0]},
        "b": {"x": [5.0, 0.0]},
    }


def test_three_are_median_and_range() -> None:
    assert three([3.0, 1.0, 2.5], 2) == {"median": 2.5, "min": 1.0, "max": 3.0}


def test_without_a_difference_nothing_is_significant() -> None:
    assert p_value(np.zeros(9)) == 1.0
    assert p_value(np.arange(1.0, 9.0)) == pytest.approx(1 / 2**8, rel=0.05)
