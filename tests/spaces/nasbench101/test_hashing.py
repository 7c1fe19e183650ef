"""The module hash is the published one, and the same for every order of the nodes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.hashing import keys_of_hashes, module_hashes
from tests.spaces.nasbench101.slow import cell_of, graphs_file, key_of, reordered
from tests.spaces.nasbench101.small import small_space


def module_hash(adjacency: npt.ArrayLike, labels: Sequence[int]) -> str:
    """The hash of one graph, as published: md5 of each node and its neighbours, once per node."""
    matrix = np.asarray(adjacency).astype(bool)
    degrees = zip(matrix.sum(axis=1).tolist(), matrix.sum(axis=0).tolist(), labels, strict=True)
    hashes = [md5(str((out, into, int(label)))) for out, into, label in degrees]
    for _ in labels:
        hashes = [
            md5(
                "".join(sorted(hashes[i] for i in np.flatnonzero(matrix[:, node])))
                + "|"
                + "".join(sorted(hashes[i] for i in np.flatnonzero(matrix[node])))
                + "|"
                + hashes[node]
            )
            for node in range(len(hashes))
        ]
    return md5(str(sorted(hashes)))


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def literal(key: int) -> str:
    matrix, labels = cell_of(key)
    return module_hash(matrix, [-1, *labels, -2])


@pytest.fixture
def few() -> Iterator[np.ndarray]:
    with small_space() as keys:
        yield keys


@pytest.mark.data
def test_the_1000_published_hashes(mirror: Path) -> None:
    content, cells = graphs_file(mirror)
    assert [module_hash(m, [-1, *labels, -2]) for m, labels in cells] == content["key"]
    assert module_hashes([key_of(cell) for cell in cells]).astype(str).tolist() == content["key"]


@pytest.mark.slow
@pytest.mark.data
def test_the_20001_published_hashes(mirror: Path) -> None:
    content = json.loads((mirror / "nasbench101" / "data-20k.json").read_text())
    keys = keys_of_hashes(content["key"])
    assert len(set(keys.tolist())) == 20_001
    assert literal(int(keys[20_000])) == content["key"][20_000]


def test_many_as_one_by_one() -> None:
    keys = np.random.default_rng(0).choice(all_keys(), 700, replace=False)
    keys[:7] = all_keys()[:7]
    assert module_hashes(keys).astype(str).tolist() == [literal(key) for key in keys.tolist()]


def test_of_none() -> None:
    assert module_hashes([]).shape == (0,)


def test_the_order_of_the_nodes_does_not_matter() -> None:
    for key in np.random.default_rng(1).choice(all_keys(), 10).tolist():
        hashes = {module_hash(m, [-1, *labels, -2]) for m, labels in reordered(cell_of(key))}
        assert hashes == {literal(key)}


def test_keys_come_back(few: np.ndarray) -> None:
    order = np.random.default_rng(2).permutation(len(few))
    hashes = module_hashes(few)[order].astype(str).tolist()
    assert np.array_equal(keys_of_hashes(hashes), few[order])
    assert keys_of_hashes([]).shape == (0,)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("text", ["0" * 32, "f" * 32, "", "a" * 99, "é"])
def test_unknown_hashes_are_refused(text: str) -> None:
    with pytest.raises(ArchitectureError, match=f"^{text!r} .*hash .* 2,532 "):
        keys_of_hashes([literal(int(all_keys()[0])), text])
