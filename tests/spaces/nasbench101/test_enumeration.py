"""The space has the published number of cells, each once."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest

from brpnas.spaces.nasbench101.cell import pack, unpack
from brpnas.spaces.nasbench101.enumeration import SIZE, all_keys, graphs_of_size
from brpnas.spaces.nasbench101.hashing import module_hashes
from tests.spaces.nasbench101.slow import canonical, cell_of, pruned


def test_counts_by_nodes() -> None:
    nodes, edges, _ = unpack(all_keys())
    assert SIZE == len(all_keys()) == 423_624
    assert np.bincount(nodes).tolist() == [0, 0, 1, 6, 84, 2_441, 62_010, 359_082]
    assert int(np.bitwise_count(edges).max()) == 9


def test_ascending_and_read_only() -> None:
    keys = all_keys()
    assert (np.diff(keys) > 0).all()
    with pytest.raises(ValueError, match="read-only"):
        keys[0] = 0


@pytest.mark.parametrize("nodes", [2, 3, 4, 5])
def test_small_cells_against_every_matrix(nodes: int) -> None:
    """Every labelled matrix, each taken to the smallest of its orders, literally."""
    found = set()
    for bits in range(1 << nodes * (nodes - 1) // 2):
        cell = cell_of(pack(nodes, bits, 0))
        if pruned(cell) == cell and bits.bit_count() <= 9:
            for labels in itertools.product(range(3), repeat=nodes - 2):
                found.add(canonical((cell[0], labels)))
    keys = all_keys()
    assert sorted(found) == keys[keys >> 32 == nodes].tolist()


@pytest.mark.parametrize("nodes", range(2, 8))
def test_graphs_are_those_of_the_cells(nodes: int) -> None:
    keys = all_keys()
    expected = np.unique(keys[keys >> 32 == nodes] >> 8 & 0xFFFFFF)
    assert np.array_equal(graphs_of_size(nodes), expected)


def test_takes_a_second_or_two() -> None:
    start = time.process_time()
    assert len(all_keys.__wrapped__()) == SIZE
    assert time.process_time() - start < 5


@pytest.mark.slow
def test_all_hashes_differ() -> None:
    """The official hash, which knows nothing of our orders, finds no two cells alike."""
    assert len(np.unique(module_hashes(all_keys()))) == SIZE
