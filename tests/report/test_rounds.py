from __future__ import annotations

import numpy as np

from brpnas.report.palette import OKABE_ITO
from brpnas.report.rounds import round_marks


def test_each_round_has_a_mark_of_its_own_if_there_are_few() -> None:
    marks = round_marks(np.array([2.0, np.nan, 0.0, 2.0]))
    assert [(mark.label, mark.rounds) for mark in marks] == [("round 0", (0,)), ("round 2", (2,))]


def test_many_rounds_share_different_marks_in_order() -> None:
    marks = round_marks(np.arange(23.0))
    assert [n for mark in marks for n in mark.rounds] == list(range(23))
    assert marks[0].label == "rounds 0 to 4"
    assert len({mark.colour for mark in marks}) == len({mark.shape for mark in marks}) == len(marks)
    assert {mark.colour for mark in marks} <= set(OKABE_ITO)


def test_without_a_query_there_is_no_mark() -> None:
    assert round_marks(np.array([np.nan])) == []
