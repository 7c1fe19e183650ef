"""The two notations of a cell, and errors about malformed ones."""

import itertools
import re

import numpy as np
import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench201.cell import (
    EDGES,
    OPERATIONS,
    from_string,
    to_string,
    validate_codes,
)

GOOD = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"


def test_example_of_the_design():
    codes = (3, 3, 4, 1, 3, 1)
    text = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"  # noqa: E501
    assert to_string(codes) == text
    assert from_string(text) == codes


def test_edges_are_in_the_order_of_their_target():
    assert list(EDGES) == [(s, t) for t in range(1, 4) for s in range(t)]
    assert OPERATIONS.index("none") == 0
    assert len(OPERATIONS) == 5


def test_round_trip_of_every_cell():
    cells = list(itertools.product(range(5), repeat=6))
    strings = [to_string(cell) for cell in cells]
    assert len(set(strings)) == 15_625
    assert [from_string(text) for text in strings] == cells


def test_each_position_is_the_edge_it_names():
    for position, (source, target) in enumerate(EDGES):
        codes = [0] * 6
        codes[position] = 3
        group = to_string(codes).split("+")[target - 1]
        assert group.split("|")[source + 1] == f"nor_conv_3x3~{source}"
        assert to_string(codes).count("nor_conv_3x3") == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", " 1 groups "),
        ("nonsense", "it has 1 groups"),
        ("|none~0|+|none~0|none~1|", "it has 2 groups"),
        (GOOD + "+|none~0|", "it has 4 groups"),
        (GOOD.replace("|avg_pool_3x3~1", ""), "group '|nor_conv_3x3~0|' must hold 2 operation(s)"),
        (GOOD.replace("|none~2|", "|none~2|none~3|"), "must hold 3 operation(s) between '|'"),
        (GOOD[1:], "group 'nor_conv_3x3~0|' must hold 1 operation(s)"),
        (GOOD[:-1], "must hold 3 operation(s)"),
        (GOOD.replace("nor_conv_3x3~0|+", "~0|+", 1), "unknown operation ''"),
        (GOOD.replace("none", "nothing"), "unknown operation 'nothing'"),
        (GOOD.replace("avg_pool_3x3", "avg_pol_3x3"), "'avg_pool_3x3'?"),
        (GOOD.replace("none", "None"), "'none'?"),
        (GOOD.replace("none~2", "none"), "'none' must read 'none~2'"),
        (GOOD.replace("none~2", "none~1"), "'none~1' must read 'none~2'"),
        (GOOD.replace("none~2", "none~x"), "'none~x' must read 'none~2'"),
        (GOOD.replace("none~2", "none~2~2"), "'none~2~2' must read 'none~2'"),
        (GOOD.replace("none~2", "none ~2"), "unknown operation 'none '"),
        (GOOD.replace("none~2", "none~02"), "'none~02' must read 'none~2'"),
    ],
)
def test_malformed_string_is_named_and_explained(text, why):
    with pytest.raises(ArchitectureError) as raised:
        from_string(text)
    message = str(raised.value)
    assert re.match(rf"{re.escape(repr(text))} .*NAS-Bench-201 ", message)
    assert why in message
    assert ".." not in message
    example = message.partition("An example: ")[2]
    assert to_string(from_string(example)) == example


@pytest.mark.parametrize(
    "codes",
    [
        (),
        (0, 0, 0, 0, 0),
        (0,) * 7,
        (0, 0, 0, 0, 0, 5),
        (-1, 0, 0, 0, 0, 0),
        (0, 0, 0, 0, 0, 10**30),
        (0, 0, 0, 0, 0, 1.5),
        ("none",) * 6,
    ],
)
def test_codes_that_are_no_cell_are_refused(codes):
    for use in (validate_codes, to_string):
        with pytest.raises(ArchitectureError, match=r" 6 codes .* 0 to 4, .*\(2, 3\)\)"):
            use(codes)


@pytest.mark.parametrize("make", [tuple, list, np.array, lambda c: np.array(c, np.int8)])
def test_codes_may_come_in_any_sequence(make):
    codes = validate_codes(make((4, 3, 2, 1, 0, 4)))
    assert codes == (4, 3, 2, 1, 0, 4)
    assert all(type(code) is int for code in codes)
