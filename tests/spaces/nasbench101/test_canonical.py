"""The canonical key is the smallest of all orders, and one for each class of equal graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brpnas.spaces.nasbench101.canonical import (
    canonical_key,
    canonical_keys,
    is_cell,
    orders,
    permuted_edges,
    sources_of,
)
from brpnas.spaces.nasbench101.cell import pack, to_string
from brpnas.spaces.nasbench101.enumeration import all_keys
from tests.spaces.nasbench101.slow import (
    canonical,
    cell_of,
    graphs_file,
    is_triangular,
    key_of,
    pruned,
    reordered,
)


@pytest.fixture(scope="module")
def raw() -> np.ndarray:
    """Keys of random matrices, cells or not."""
    rng = np.random.default_rng(0)
    return np.array(
        [
            pack(int(n), int(rng.integers(1 << n * (n - 1) // 2)), int(rng.integers(3 ** (n - 2))))
            for n in rng.integers(2, 8, 3000)
        ]
    )


def test_against_all_orders_one_by_one(raw: np.ndarray) -> None:
    found = canonical_keys(raw)
    wholes = 0
    for key, one in zip(raw.tolist(), found.tolist(), strict=True):
        cell = cell_of(key)
        whole = pruned(cell) == cell and sum(map(sum, cell[0])) <= 9
        assert one == (canonical(cell) if whole else -1)
        wholes += whole
    assert wholes > 300


def test_one_key_as_many(raw: np.ndarray) -> None:
    each = [canonical_key(key) for key in raw.tolist()]
    assert [-1 if key is None else key for key in each] == canonical_keys(raw).tolist()


def test_zero_is_no_key() -> None:
    assert canonical_keys(np.array([0, all_keys()[9]])).tolist() == [-1, all_keys()[9]]


def test_no_keys() -> None:
    assert canonical_keys(np.array([], np.int64)).shape == (0,)


def test_every_order_gives_the_same_key() -> None:
    for key in np.random.default_rng(1).choice(all_keys(), 100).tolist():
        others = {key_of(c) for c in reordered(cell_of(key)) if is_triangular(c[0])}
        assert {canonical_key(other) for other in others} == {key}


def test_whole_is_pruned_and_small() -> None:
    for nodes in (2, 3, 4, 5):
        edges = np.arange(1 << nodes * (nodes - 1) // 2)
        for bits, whole in zip(edges.tolist(), is_cell(nodes, edges).tolist(), strict=True):
            cell = cell_of(pack(nodes, bits, 0))
            assert whole == (pruned(cell) == cell and sum(map(sum, cell[0])) <= 9)


def test_images_of_a_chain() -> None:
    chain = np.array([0b100_10_1])  # 0 > 1 > 2 > 3
    assert len(orders(4).codes) == 2
    assert permuted_edges(4, chain, 0).tolist() == chain.tolist()
    assert permuted_edges(4, chain, 1)[0] > 1 << 21  # the order backwards is none


def test_sources() -> None:
    key = pack(4, 0b101_11_1, 3)
    assert sources_of(key) == [0, 0b1, 0b11, 0b101]
    assert to_string(key) == "conv1x1~0|conv3x3~01|output~02"


@pytest.mark.data
def test_published_graphs_are_canonical(mirror: Path) -> None:
    _, cells = graphs_file(mirror)
    keys = [key_of(cell) for cell in cells]
    assert len(keys) == 1000
    assert canonical_keys(np.array(keys)).tolist() == keys
