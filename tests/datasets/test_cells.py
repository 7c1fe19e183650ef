"""Operation codes of files become the strings of the space."""

from __future__ import annotations

import numpy as np
import pytest

from brpnas.datasets.cells import arch_ids, cell_numbers
from brpnas.errors import SourceError
from brpnas.spaces.nasbench201 import NasBench201, from_string, to_string


def test_every_cell_against_the_slow_way() -> None:
    space = NasBench201()
    codes = np.random.default_rng(0).permutation(space.codes(space.enumerate()))
    numbers = cell_numbers(codes, "x")
    assert arch_ids(numbers).tolist() == [to_string(c) for c in codes]
    assert [from_string(a) for a in arch_ids(numbers[:50])] == [tuple(c) for c in codes[:50]]


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ([(0, 0, 0, 0, 0, 5)], r"entry 0 .*\(0, 0, 0, 0, 0, 5\)"),
        ([(0, 0, 0, 0, 0, 1), (0, 0, -1, 0, 0, 0)], "entry 1 "),
        ([(0, 0, 0, 0, 0)], r" 6 .* int64 .*\(1, 5\)"),
        ([(0, 0, 0, 0, 0, 0), (1, 1)], " 6 .* different lengths"),
        ([(0.5, 0, 0, 0, 0, 0)], r" 6 .* float64 .*\(1, 6\)"),
        (["421211"], r" 6 .* <U6 .*\(1,\)"),
        ([(1, 1, 1, 1, 1, 1)] * 2, "twice"),
    ],
)
def test_refuses_what_is_no_cell(codes: list[object], words: str) -> None:
    with pytest.raises(SourceError, match=words) as caught:
        cell_numbers(codes, "x.csv")  # type: ignore[arg-type]
    assert str(caught.value).startswith("x.csv ")
