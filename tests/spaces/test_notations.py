from __future__ import annotations

import pytest

from brpnas.errors import UnknownNameError
from brpnas.spaces import Darts, NasBench201
from brpnas.spaces.nasbench201.naslib import NASLIB


def test_a_reader_is_found_by_name() -> None:
    space = NasBench201()
    assert space.reader("naslib") == NASLIB.read
    assert space.reader() == space.reader(None) == space.reader("nasbench201") == space.read


def test_an_unknown_one_is_told_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="Known: nasbench201, naslib"):
        NasBench201().reader("tuples")
    with pytest.raises(UnknownNameError, match="Known: darts"):
        Darts().reader("naslib")
    assert Darts.notations == ()
