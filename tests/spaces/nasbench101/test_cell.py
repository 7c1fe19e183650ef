"""Keys and strings of cells mean each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from brpnas.spaces.nasbench101.cell import (
    LABELS,
    edge_bit,
    labels_of,
    pack,
    read_key,
    to_string,
    to_strings,
    unpack,
)
from brpnas.spaces.nasbench101.enumeration import all_keys
from tests.spaces.nasbench101.slow import Cell, cell_of, key_of

EXAMPLES: dict[str, Cell] = {
    "output~0": (((0, 1), (0, 0)), ()),
    "maxpool3x3~0|output~01": (((0, 1, 1), (0, 0, 1), (0, 0, 0)), (2,)),
    "conv1x1~0|conv3x3~0|maxpool3x3~12|output~013": (
        ((0, 1, 1, 0, 1), (0, 0, 0, 1, 1), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1), (0,) * 5),
        (1, 0, 2),
    ),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_strings_drawn_by_hand(text: str) -> None:
    key = key_of(EXAMPLES[text])
    assert to_string(key) == text
    assert read_key(text) == key
    assert cell_of(key) == EXAMPLES[text]
    assert labels_of(key) == EXAMPLES[text][1]


def test_every_edge_has_its_own_bit() -> None:
    bits = [edge_bit(i, j) for j in range(7) for i in range(j)]
    assert bits == list(range(21))


@pytest.mark.parametrize("nodes", range(2, 8))
def test_labels_count_to_base_three(nodes: int) -> None:
    for code, labels in enumerate(itertools.product(range(3), repeat=nodes - 2)):
        assert labels_of(pack(nodes, 1, code)) == labels
    assert (LABELS[nodes, :, nodes - 2 :] == -1).all()


def test_keys_are_taken_apart() -> None:
    parts = unpack([pack(7, (1 << 21) - 1, 242), pack(2, 1, 0)])
    assert [part.tolist() for part in parts] == [[7, 2], [(1 << 21) - 1, 1], [242, 0]]


def test_many_strings_are_those_of_each() -> None:
    keys = np.random.default_rng(0).permutation(all_keys())[:3000]
    texts = to_strings(keys)
    assert texts == [to_string(key) for key in keys.tolist()]
    assert [read_key(text) for text in texts] == keys.tolist()
    assert to_strings([]) == []


@pytest.mark.parametrize(
    "text", ["", "output~1", "conv3x3~0|output", "output~0|output~1", " output~0", "output~00"]
)
def test_other_texts_have_no_key(text: str) -> None:
    assert read_key(text) is None


def test_eight_nodes_have_no_key() -> None:
    assert read_key("|".join(f"conv3x3~{i}" for i in range(6)) + "|output~6") is None
