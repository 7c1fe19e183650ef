"""Graphs from outside become cells; `test_notation` holds many more of them to the definition."""

from __future__ import annotations

import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench101.cell import to_string
from brpnas.spaces.nasbench101.normalise import normalise


@pytest.mark.parametrize(
    ("sources", "labels", "text"),
    [
        ([0b0, 0b1], [0, 0], "output~0"),
        ([0b0, 0b1, 0b11], [0, 2, 0], "maxpool3x3~0|output~01"),
        ([0b0, 0b100, 0b1, 0b10], [0, 1, 0, 0], "conv3x3~0|conv1x1~1|output~2"),
        ([0b0, 0b0, 0b1, 0b110], [0, 1, 2, 0], "maxpool3x3~0|output~1"),
        ([0b10, 0b0, 0b1, 0b100], [0, 1, 2, 0], "maxpool3x3~0|output~1"),
        ([0b0, 0b1, 0b1001, 0b10], [0, 1, 2, 0], "conv1x1~0|output~1"),
    ],
    ids=["none", "one", "backwards", "unfed", "into the input", "out of the output"],
)
def test_drawn_by_hand(sources: list[int], labels: list[int], text: str) -> None:
    assert to_string(normalise(sources, labels)) == text


@pytest.mark.parametrize(
    ("sources", "why"),
    [
        ([0b0, 0b1, 0b0], "no path"),
        ([0b0, 0b0, 0b10], "no path"),
        ([0b0, 0b101, 0b10, 0b100], "cycle"),
        ([0b0, 0b10, 0b1], "cycle"),
        ([0, *(1 << i for i in range(7))], "8 nodes"),
        ([0, 1, 3, 7, 15], "10 edges"),
    ],
)
def test_no_cells(sources: list[int], why: str) -> None:
    with pytest.raises(ArchitectureError, match=why):
        normalise(sources, [0] * len(sources))
