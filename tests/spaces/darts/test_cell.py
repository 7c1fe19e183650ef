import itertools
import math

import numpy as np
import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.darts.cell import (
    OPERATIONS,
    RADICES,
    SHORT_NAMES,
    node_decisions,
    node_number,
    node_numbers,
    to_strings,
)
from tests.spaces.darts.examples import DARTS_V2_ID

TERM = {f"{short}~{i}": (code, i) for code, short in enumerate(SHORT_NAMES) for i in range(5)}


def by_hand(arch_id: str) -> list:
    """Decisions of an architecture, read term by term."""
    cells = [cell.split("=")[1].split("|") for cell in arch_id.split(";")]
    return [[[TERM[t] for t in node.split("+")] for node in cell] for cell in cells]


@pytest.fixture
def numbers():
    return np.random.default_rng(0).integers(0, RADICES, size=(300, 8))


def test_there_are_as_many_cases_as_pairs_of_earlier_nodes_and_operations():
    counts = [sum(7 * 7 for _ in itertools.combinations(range(node + 2), 2)) for node in range(4)]
    assert list(RADICES) == counts * 2
    assert math.prod(RADICES) == (180 * 7**8) ** 2
    assert len(OPERATIONS) == len(SHORT_NAMES) == 7


def test_every_case_of_every_node_has_its_own_string():
    for node in range(8):
        rows = np.zeros((RADICES[node], 8), np.int64)
        rows[:, node] = np.arange(RADICES[node])
        texts = to_strings(rows)
        assert len(set(texts)) == RADICES[node]
        assert np.array_equal(node_numbers(texts), rows)


def test_strings_and_numbers_and_decisions_agree(numbers):
    texts = to_strings(numbers)
    assert np.array_equal(node_numbers(texts), numbers)
    decisions = node_decisions(numbers)
    assert (decisions.shape, decisions.dtype) == ((300, 2, 4, 2, 2), np.int8)
    assert decisions.tolist() == [
        [[[list(edge) for edge in node] for node in cell] for cell in by_hand(text)]
        for text in texts
    ]


def test_inputs_are_earlier_different_and_in_order(numbers):
    inputs = node_decisions(numbers)[..., 1]
    assert (inputs[..., 0] < inputs[..., 1]).all()
    assert (inputs < np.arange(2, 6)[:, None]).all()


def test_node_number_does_not_depend_on_the_order_of_edges():
    for first, second in itertools.permutations(TERM.values(), 2):
        if first[1] != second[1]:
            number = node_number(first, second)
            assert number == node_number(second, first)
            for node in range(4):
                assert (number < RADICES[node]) == (max(first[1], second[1]) < node + 2)


def test_terms_in_either_order_are_read():
    swapped = DARTS_V2_ID.replace("skip~0+dil3~2", "dil3~2+skip~0")
    assert swapped != DARTS_V2_ID
    assert np.array_equal(node_numbers([swapped]), node_numbers([DARTS_V2_ID]))


def test_no_strings_are_no_rows():
    assert node_numbers([]).shape == (0, 8)
    assert to_strings(np.empty((0, 8), np.int64)) == []


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (";", "+", "divided by ';'"),
        ("normal", "reduce", "'normal='"),
        ("reduce=", "", "'reduce='"),
        ("normal=", "normal=sep3~0+sep3~1|", "5 node"),
        ("skip~0+dil3~2;", "skip~0;", "node 'skip~0' "),
        ("skip~0+dil3~2", "skip~0+dil3~2+dil3~1", "node 'skip~0+dil3~2+dil3~1' "),
        ("dil3~2", "dil4~2", "'dil5'?"),
        ("dil3~2", "none~2", "unknown operation 'none'"),
        ("dil3~2", "dil3~5", "nodes 0 to 4"),
        ("dil3~2", "dil3~-1", "nodes 0 to 4"),
        ("dil3~2", "dil3~ 2", "nodes 0 to 4"),
        ("dil3~2", "dil3", "nodes 0 to 4"),
        ("dil3~2", "dil3~0", "node 'skip~0+dil3~0' "),
        ("normal=sep3~0+sep3~1", "normal=sep3~0+sep3~2", "nodes 0 to 1"),
    ],
)
def test_a_malformed_string_is_refused_with_its_part(old, new, why):
    text = DARTS_V2_ID.replace(old, new, 1)
    with pytest.raises(ArchitectureError) as raised:
        node_numbers([DARTS_V2_ID, text])
    assert repr(text) in str(raised.value)
    assert why in str(raised.value)
