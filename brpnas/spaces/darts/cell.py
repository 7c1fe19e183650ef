"""The two cells of a DARTS architecture: decisions as numbers, and the canonical string.

Each of four intermediate nodes sums two operations on two different earlier nodes: 0 and 1 are the
inputs of the cell (the outputs of the cell before the last one and of the last one), 2 to 5 the
intermediate nodes. The output concatenates all intermediate nodes. So a node is one of 49 cases for
each pair of earlier nodes, and an architecture is eight small numbers. `node_numbers` and
`to_strings` translate between these and strings; `node_decisions` gives operations and inputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from brpnas.errors import ArchitectureError, did_you_mean

__all__ = [
    "CELLS",
    "NODES",
    "OPERATIONS",
    "RADICES",
    "SHORT_NAMES",
    "Int64Array",
    "node_decisions",
    "node_number",
    "node_numbers",
    "to_strings",
]

Int64Array = npt.NDArray[np.int64]

OPERATIONS: tuple[str, ...] = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
"""Operation of each code, 0 to 6, by its published name."""
SHORT_NAMES: tuple[str, ...] = ("max3", "avg3", "skip", "sep3", "sep5", "dil3", "dil5")
"""The same operations as written in the canonical string."""
CELLS: tuple[str, ...] = ("normal", "reduce")
NODES = 4
"""Intermediate nodes of a cell."""

_OPS = len(OPERATIONS)
RADICES: tuple[int, ...] = tuple(
    _OPS**2 * (node + 2) * (node + 1) // 2 for _ in CELLS for node in range(NODES)
)
"""Number of cases of each of the eight nodes: 49, 147, 294, 490, twice."""

_PAIRS = tuple((low, high) for high in range(NODES + 1) for low in range(high))
_CASES = tuple(
    (low, left, high, right)
    for low, high in _PAIRS
    for left in range(_OPS)
    for right in range(_OPS)
)
_DECISIONS = np.array([((a, i), (b, j)) for i, a, j, b in _CASES], np.int8)
_TEXTS = tuple(f"{SHORT_NAMES[a]}~{i}+{SHORT_NAMES[b]}~{j}" for i, a, j, b in _CASES)
_NUMBERS = {text: number for number, text in enumerate(_TEXTS)}
_EXAMPLE = (
    "normal=sep3~0+sep3~1|sep3~0+sep3~1|skip~0+sep3~1|skip~0+dil3~2;"
    "reduce=max3~0+max3~1|max3~1+skip~2|max3~0+skip~2|max3~1+skip~2"
)


def node_number(first: tuple[int, int], second: tuple[int, int]) -> int:
    """Number of the case of a node, from its two edges: pairs of operation code and input.

    The inputs must differ. The number is below the node's entry in `RADICES` if and only if both
    inputs precede the node.
    """
    (a, i), (b, j) = sorted((first, second), key=lambda edge: edge[1])
    return (j * (j - 1) // 2 + i) * _OPS**2 + a * _OPS + b


def node_decisions(numbers: Int64Array) -> npt.NDArray[np.int8]:
    """Operation codes and inputs of architectures, shape ``[N, 2, 4, 2, 2]``.

    The axes of the result are cell, intermediate node, edge, (operation code, input). The edge with
    the earlier input comes first. ``numbers`` are the cases of the eight nodes, shape ``[N, 8]``,
    see `node_numbers`.
    """
    return _DECISIONS[numbers].reshape(-1, len(CELLS), NODES, 2, 2)


def to_strings(numbers: Int64Array) -> list[str]:
    """Canonical strings from the cases of the eight nodes, ``[N, 8]``."""
    texts = [[_TEXTS[number] for number in row] for row in numbers.tolist()]
    return [f"normal={'|'.join(row[:NODES])};reduce={'|'.join(row[NODES:])}" for row in texts]


def node_numbers(arch_ids: Sequence[str]) -> Int64Array:
    """Read canonical strings into the cases of their eight nodes, shape ``[N, 8]``.

    The two terms of a node may come in either order.

    Raises:
        ArchitectureError: If a string is malformed; names the wrong part.
    """
    return np.array([_read(text) for text in arch_ids], np.int64).reshape(-1, len(RADICES))


def _read(text: str) -> list[int]:
    cells = text.strip().split(";")
    if len(cells) != len(CELLS):
        raise _malformed(text, f"it has {len(cells)} part(s) divided by ';' where it needs two")
    numbers: list[int] = []
    for name, cell in zip(CELLS, cells, strict=True):
        given, _, body = cell.partition("=")
        if given != name:
            raise _malformed(text, f"{cell!r} must begin with '{name}='")
        nodes = body.split("|")
        if len(nodes) != NODES:
            raise _malformed(text, f"{name} has {len(nodes)} node(s) divided by '|', not {NODES}")
        for index, node in enumerate(nodes):
            number = _NUMBERS.get(node, -1)
            if not 0 <= number < RADICES[index]:
                number = _read_node(text, node, index)
            numbers.append(number)
    return numbers


def _read_node(text: str, node: str, index: int) -> int:
    """Read a node with its terms in the other order, or raise the error that fits."""
    terms = node.split("+")
    if len(terms) != 2:
        raise _malformed(text, f"node {node!r} must be a sum of two terms, such as sep3~0+skip~1")
    edges: list[tuple[int, int]] = []
    for term in terms:
        name, _, source = term.partition("~")
        if name not in SHORT_NAMES:
            hint = did_you_mean(name, SHORT_NAMES)
            raise _malformed(text, f"unknown operation {name!r}.{hint}")
        if source not in {str(earlier) for earlier in range(index + 2)}:
            raise _malformed(text, f"{term!r} must read one of the nodes 0 to {index + 1}")
        edges.append((SHORT_NAMES.index(name), int(source)))
    if edges[0][1] == edges[1][1]:
        raise _malformed(text, f"node {node!r} must read two different nodes")
    return node_number(edges[0], edges[1])


def _malformed(text: str, why: str) -> ArchitectureError:
    end = "" if why.endswith("?") else "."
    return ArchitectureError(
        f"{text!r} is not a DARTS architecture: {why.rstrip('.')}{end} An example: {_EXAMPLE}"
    )
