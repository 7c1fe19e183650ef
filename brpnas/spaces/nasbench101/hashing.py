"""The module hash, the name of a cell in NAS-Bench-101.

Each node starts from the MD5 of its degrees and its label. Then, once for every node of the cell,
it absorbs the sorted hashes of its neighbours. The sorted hashes of all nodes make the hash of the
cell (Ying et al., ICML 2019, arXiv 1902.09635). `module_hashes` hashes many cells at once;
`keys_of_hashes` finds the cells of hashes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from brpnas.errors import ArchitectureError
from brpnas.spaces.nasbench101.cell import LABELS, KeyArray, edge_bit, unpack
from brpnas.spaces.nasbench101.enumeration import all_keys
from brpnas.spaces.nasbench101.md5 import ByteArray, digests, hexadecimal

__all__ = ["keys_of_hashes", "module_hashes"]

_CHUNK = 1 << 14
_INPUT, _OUTPUT = -1, -2

BoolArray = npt.NDArray[np.bool_]
HashArray = npt.NDArray[np.bytes_]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def module_hashes(keys: npt.ArrayLike) -> HashArray:
    """Hashes of the cells of keys ``[N]``, as bytes."""
    nodes, edges, code = unpack(keys)
    result = np.empty(nodes.shape, "S32")
    for count in np.unique(nodes).tolist():
        rows = np.flatnonzero(nodes == count)
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            adjacency = np.zeros((len(part), count, count), np.bool_)
            for target in range(1, count):
                for source in range(target):
                    bit = edge_bit(source, target)
                    adjacency[:, source, target] = edges[part] >> bit & 1
            labels = np.full((len(part), count), _INPUT, np.int64)
            labels[:, 1:-1] = LABELS[count, code[part], : count - 2]
            labels[:, -1] = _OUTPUT
            result[part] = _hash_equal_sizes(adjacency, labels)
    return result


def _hash_equal_sizes(adjacency: BoolArray, labels: npt.NDArray[np.int64]) -> HashArray:
    """Hashes of cells of one size, adjacency ``[C, V, V]`` and labels ``[C, V]``."""
    cells, size = labels.shape
    state = _start(adjacency, labels)
    groups = list(_by_degrees(adjacency))
    for _ in range(size):
        text = hexadecimal(state)
        rank = _ranks(state.reshape(cells, size, 16)).reshape(-1) * size
        for group in groups:
            column = 0
            for near in (group.into, group.out):
                # Neighbours by their hash, as rank and position in the cell in one number.
                order = np.sort(rank[near] + near % size, axis=1) % size
                for nodes in (group.nodes // size * size + order.T).astype(np.intp):
                    group.message[:, column : column + 32] = text[nodes]
                    column += 32
                column += 1
            group.message[:, column:] = text[group.nodes]
        for group in groups:
            state[group.nodes] = digests(group.message)
    order = np.argsort(_ranks(state.reshape(cells, size, 16)), axis=1)
    listed = np.full((cells, size, 36), ord("'"), np.uint8)
    listed[:, :, 1:33] = np.take_along_axis(
        hexadecimal(state).reshape(cells, size, 32), order[:, :, None], axis=1
    )
    listed[:, :, 34:] = np.frombuffer(b", ", np.uint8)
    whole = np.full((cells, 36 * size), ord("["), np.uint8)
    whole[:, 1:-1] = listed.reshape(cells, -1)[:, :-2]
    whole[:, -1] = ord("]")
    return hexadecimal(digests(whole)).view("S32")[:, 0]


class _Group(NamedTuple):
    """``M`` nodes of equal degrees over all cells, with their neighbours."""

    nodes: npt.NDArray[np.int64]
    into: npt.NDArray[np.int64]
    out: npt.NDArray[np.int64]
    message: ByteArray


def _by_degrees(adjacency: BoolArray) -> Iterator[_Group]:
    size = adjacency.shape[1]
    into, out = adjacency.sum(axis=1).reshape(-1), adjacency.sum(axis=2).reshape(-1)
    edges_in = adjacency.transpose(0, 2, 1).reshape(-1, size)
    edges_out = adjacency.reshape(-1, size)
    for degrees in np.unique(into * 8 + out).tolist():
        nodes = np.flatnonzero(into * 8 + out == degrees)
        first = (nodes // size * size)[:, None]
        before, after = (
            np.nonzero(edges[nodes])[1].reshape(len(nodes), -1) + first
            for edges in (edges_in, edges_out)
        )
        length = 32 * (degrees // 8 + degrees % 8 + 1) + 2
        yield _Group(nodes, before, after, np.full((len(nodes), length), ord("|"), np.uint8))


def _start(adjacency: BoolArray, labels: npt.NDArray[np.int64]) -> ByteArray:
    """First digest of each node, shape ``[C * V, 16]``: of its degrees and its label."""
    numbers = (adjacency.sum(axis=2) * 8 + adjacency.sum(axis=1)) * 8 + labels - _OUTPUT
    table = np.zeros((512, 16), np.uint8)
    for number in np.unique(numbers).tolist():
        text = str((number // 64, number // 8 % 8, number % 8 + _OUTPUT))
        table[number] = np.frombuffer(bytes.fromhex(_md5(text)), np.uint8)
    start: ByteArray = table[numbers.reshape(-1)]
    return start


def _ranks(state: ByteArray) -> npt.NDArray[np.int64]:
    """Rank of each node of a cell by its hash: digests ``[C, V, 16]`` give ``[C, V]``."""
    halves = state.view(">u8").astype(np.uint64)
    order = np.lexsort((halves[..., 1], halves[..., 0]), axis=-1)
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(order.shape[1])[None], axis=1)
    return ranks


@cache
def _table() -> tuple[HashArray, KeyArray]:
    """Hashes of the whole space, ascending, and the key of each."""
    keys = all_keys()
    hashes = module_hashes(keys)
    order = np.argsort(hashes)
    return hashes[order], keys[order]


def keys_of_hashes(hashes: Iterable[str]) -> KeyArray:
    """Keys of the cells with given hashes.

    The first call in a process hashes the whole space, some seconds.

    Raises:
        ArchitectureError: If no cell has such a hash.
    """
    asked = list(hashes)
    known, keys = _table()
    given = np.array([text.encode() for text in asked], "S33")
    rows = np.searchsorted(known, given)
    rows[rows == len(known)] = 0
    wrong = np.flatnonzero(known[rows] != given)
    if len(wrong):
        raise ArchitectureError(
            f"{asked[wrong[0]]!r} is not the module hash of a NAS-Bench-101 cell: none of the "
            f"{len(known):,} cells has it."
        )
    return keys[rows]
