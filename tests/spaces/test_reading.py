from __future__ import annotations

import pytest

from brpnas.spaces import NasBench201
from brpnas.spaces.reading import read_column

SPACE = NasBench201()
CELL = "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|"


def test_every_notation_and_every_problem_with_its_lines() -> None:
    texts = [CELL, "300001", "", "x", "99999", CELL]
    cells, found = read_column(texts, [2, 3, 4, 6, 7, 9], SPACE.read)
    assert cells == [CELL, CELL, None, None, None, CELL]
    assert [(f.kind, f.rows) for f in found] == [("missing cell", (4,)), ("unknown cell", (6, 7))]
    assert found[1].message.startswith("the first: 'x' is not")


@pytest.mark.parametrize("text", ["1" * 5_000, "x" * 9_000, "(" + " " * 9_000, "|" * 9_000])
def test_a_long_text_is_refused_at_once_and_not_shown_whole(text: str) -> None:
    cells, (finding,) = read_column([text], [2], SPACE.read)
    assert cells == [None]
    assert len(finding.message) < 700


def test_codes_that_have_lost_zeros_are_told_by_the_others() -> None:
    _, (finding,) = read_column(["300001", "13"], [2, 3], SPACE.read)
    assert (finding.kind, finding.rows) == ("ambiguous cell", (3,))


def test_another_reader() -> None:
    assert read_column(["(2, 1, 1, 1, 1, 0)"], [2], SPACE.reader("naslib")) == ([CELL], [])
