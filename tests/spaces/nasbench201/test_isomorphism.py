"""Isomorphism ids: the published count, and the meaning of equal ids."""

import itertools

import numpy as np
import pytest

from brpnas.spaces.nasbench201.isomorphism import expression
from tests.spaces.nasbench201.slow import EDGE_ORDER, live_paths

CELLS = list(itertools.product(range(5), repeat=6))
NONE, SKIP, CONV1, CONV3, POOL = range(5)

FUNCTIONS = {
    NONE: np.zeros_like,
    SKIP: lambda x: x,
    CONV1: np.sin,
    CONV3: lambda x: x + np.tanh(1.7 * x),
    POOL: lambda x: x / (1.3 + x * x),
}
"""Nonlinear functions as operations; like a convolution without bias they keep zero."""


def compute(cell: tuple[int, ...]) -> bytes:
    """Output of a cell for three numbers, rounded, with these functions as operations."""
    nodes = [np.array([0.31, -1.2, 2.7])]
    for target in (1, 2, 3):
        parts = [
            FUNCTIONS[code](nodes[source])
            for code, (source, end) in zip(cell, EDGE_ORDER, strict=True)
            if end == target
        ]
        nodes.append(sum(parts))
    return (np.round(nodes[3], 9) + 0.0).tobytes()


@pytest.fixture(scope="module")
def ids():
    return [expression(cell) for cell in CELLS]


@pytest.fixture(scope="module")
def outputs():
    return [compute(cell) for cell in CELLS]


def test_6466_distinct_functions(ids):
    assert len(set(ids)) == 6_466


def test_equal_ids_compute_the_same(ids, outputs):
    output_of = {}
    for isomorphism_id, output in zip(ids, outputs, strict=True):
        assert output_of.setdefault(isomorphism_id, output) == output


def test_4930_functions_with_sums_multiplied_out(outputs):
    assert len(set(outputs)) == 4_930


def test_cells_without_a_path_compute_zero(outputs):
    zero = np.zeros(3).tobytes()
    without_path = [not live_paths(cell) for cell in CELLS]
    assert sum(without_path) == 341
    assert [output == zero for output in outputs] == without_path


@pytest.mark.parametrize(
    ("one", "other", "same_id"),
    [
        ((CONV3, NONE, SKIP, NONE, NONE, POOL), (NONE, CONV3, NONE, NONE, NONE, POOL), True),
        ((CONV3, NONE, NONE, NONE, SKIP, NONE), (NONE, NONE, NONE, CONV3, NONE, NONE), True),
        ((NONE, NONE, CONV3, NONE, POOL, NONE), (NONE, NONE, CONV1, NONE, SKIP, NONE), True),
        ((CONV3, NONE, SKIP, NONE, NONE, SKIP), (CONV3, NONE, NONE, NONE, SKIP, NONE), False),
    ],
    ids=["skip into node 2", "skip to the end", "operations on zero", "a zero within a sum"],
)
def test_pairs_of_one_function(one, other, same_id):
    assert compute(one) == compute(other)
    assert (expression(one) == expression(other)) == same_id


@pytest.mark.parametrize("position", range(6))
def test_each_edge_of_a_full_cell_matters(position):
    cell = [CONV3] * 6
    changed = cell.copy()
    changed[position] = CONV1
    assert expression(cell) != expression(changed)
    assert compute(tuple(cell)) != compute(tuple(changed))
