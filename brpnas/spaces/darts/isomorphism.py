"""Isomorphic DARTS architectures: equal up to the numbering of their intermediate nodes.

Intermediate nodes of a cell may be renumbered if each still follows the nodes it reads. This
permutes groups of channels in the output of the cell. The next convolutions have weights for every
channel, so the networks compute the same functions. `smallest_numbering` gives the same answer for
isomorphic architectures, and only these. `renumberings` gives the whole class (20 members on
average).
"""

from __future__ import annotations

import itertools

import numpy as np

from brpnas.spaces.darts.cell import (
    CELLS,
    NODES,
    OPERATIONS,
    RADICES,
    Int64Array,
    node_decisions,
)

__all__ = ["renumberings", "smallest_numbering"]

_OPS = len(OPERATIONS)
_RADICES = np.array(RADICES[:NODES])
_WEIGHTS = np.array([np.prod(_RADICES[node + 1 :]) for node in range(NODES)])
_INVALID = int(np.iinfo(np.int64).max)


def smallest_numbering(numbers: Int64Array) -> Int64Array:
    """Renumber the intermediate nodes of every cell to the smallest cases, ``[N, 8]``.

    The result is the member of each class that comes first in lexicographic order.
    """
    return _from_cells(_renumbered_cells(numbers).min(axis=0).reshape(-1, len(CELLS)))


def renumberings(numbers: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Every architecture isomorphic to the given ones, with cases ``[N, 8]``.

    Returns:
        Cases of all members of all classes, shape ``[M, 8]``, each once, in an order independent of
        the given member; and the row in ``numbers`` of each, ascending, shape ``[M]``.
    """
    of_cell = _renumbered_cells(numbers)
    of_cell.sort(axis=0)
    fresh = np.ones_like(of_cell, np.bool_)
    fresh[1:] = of_cell[1:] != of_cell[:-1]
    fresh &= of_cell != _INVALID
    members: list[Int64Array] = []
    for row in range(len(numbers)):
        normal, reduce = (of_cell[fresh[:, c], c] for c in (2 * row, 2 * row + 1))
        pairs = np.stack([np.repeat(normal, len(reduce)), np.tile(reduce, len(normal))], axis=1)
        members.append(pairs)
    owner = np.repeat(np.arange(len(numbers)), [len(pairs) for pairs in members])
    cells = np.concatenate(members) if members else np.empty((0, len(CELLS)), np.int64)
    return _from_cells(cells), owner


def _renumbered_cells(numbers: Int64Array) -> Int64Array:
    """Number of each cell in each order of its nodes, ``[24, 2 N]``; `_INVALID` if not allowed."""
    cells = node_decisions(numbers).astype(np.int64).reshape(-1, NODES, 2, 2)
    orders = list(itertools.permutations(range(NODES)))
    found = np.empty((len(orders), len(cells)), np.int64)
    for i, order in enumerate(orders):
        place = np.array([0, 1, *(2 + position for position in order)])
        cases = _cases(cells[..., 0], place[cells[..., 1]])
        moved = np.empty_like(cases)
        moved[:, list(order)] = cases
        found[i] = np.where((moved < _RADICES).all(axis=1), moved @ _WEIGHTS, _INVALID)
    return found


def _from_cells(cells: Int64Array) -> Int64Array:
    """Cases of the eight nodes, ``[N, 8]``, from the numbers of both cells, ``[N, 2]``."""
    cases: Int64Array = cells[..., None] // _WEIGHTS % _RADICES
    return cases.reshape(-1, len(CELLS) * NODES)


def _cases(ops: Int64Array, inputs: Int64Array) -> Int64Array:
    """Cases of nodes from operations and inputs of their edges, both ``[M, 4, 2]``."""
    swapped = inputs[..., 0] > inputs[..., 1]
    low, high = inputs.min(axis=-1), inputs.max(axis=-1)
    left = np.where(swapped, ops[..., 1], ops[..., 0])
    right = np.where(swapped, ops[..., 0], ops[..., 1])
    cases: Int64Array = (high * (high - 1) // 2 + low) * _OPS**2 + left * _OPS + right
    return cases
