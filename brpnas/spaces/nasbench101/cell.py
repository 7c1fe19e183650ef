"""The NAS-Bench-101 cell: its string, and its key, one integer.

A cell is a graph of at most 7 nodes and 9 edges. Node 0 is the input, the last node the output, and
the nodes between them are operations; an edge leads from a lower node to a higher one. The string
names each node after the input with its sources::

    conv3x3~0|maxpool3x3~0|conv1x1~12|output~03

The *key* is an integer of 64 bits: the number of nodes, the edges, the operations. Keys make whole
spaces cheap: 423,624 of them take 3 MiB. A cell has several keys; see
`brpnas.spaces.nasbench101.canonical` for the canonical one.
"""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import numpy.typing as npt

__all__ = [
    "LABELS",
    "MAX_EDGES",
    "MAX_NODES",
    "OPERATIONS",
    "SHORT_NAMES",
    "KeyArray",
    "edge_bit",
    "labels_of",
    "pack",
    "read_key",
    "to_string",
    "to_strings",
    "unpack",
]

MAX_NODES = 7
MAX_EDGES = 9

OPERATIONS: tuple[str, ...] = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""Published name of each operation, in the order of the labels 0 to 2."""
SHORT_NAMES: tuple[str, ...] = ("conv3x3", "conv1x1", "maxpool3x3")
"""Name of each operation in the string."""

KeyArray = npt.NDArray[np.int64]

_NODES_SHIFT, _EDGES_SHIFT = 32, 8
_EDGES_MASK, _CODE_MASK = (1 << 24) - 1, 0xFF


def _labels() -> npt.NDArray[np.int8]:
    table = np.full((MAX_NODES + 1, len(OPERATIONS) ** (MAX_NODES - 2), MAX_NODES - 2), -1, np.int8)
    for nodes in range(3, MAX_NODES + 1):
        rows = list(itertools.product(range(len(OPERATIONS)), repeat=nodes - 2))
        table[nodes, : len(rows), : nodes - 2] = rows
    return table


LABELS = _labels()
"""Operation labels of the inner nodes by number of nodes and code, -1 for absent nodes."""


def edge_bit(source: int, target: int) -> int:
    """Position of an edge among the bits of the edges: by target, then by source."""
    return target * (target - 1) // 2 + source


def pack(nodes: int, edges: int, code: int) -> int:
    """Key of a cell.

    Args:
        nodes: Number of nodes, 2 to 7.
        edges: One bit for each edge, see `edge_bit`.
        code: Labels of the inner nodes as a number to base 3, the first node's digit first.
    """
    return nodes << _NODES_SHIFT | edges << _EDGES_SHIFT | code


def unpack(keys: npt.ArrayLike) -> tuple[KeyArray, KeyArray, KeyArray]:
    """Number of nodes, edges and code of each key, as arrays of the same shape; see `pack`."""
    given = np.asarray(keys, np.int64)
    edges = given >> _EDGES_SHIFT & _EDGES_MASK
    return given >> _NODES_SHIFT, edges, given & _CODE_MASK


def labels_of(key: int) -> tuple[int, ...]:
    """Operation labels, 0 to 2, of the inner nodes of a cell."""
    nodes = key >> _NODES_SHIFT
    return tuple(LABELS[nodes, key & _CODE_MASK, : nodes - 2].tolist())


def _sources(mask: int) -> str:
    return "".join(str(source) for source in range(MAX_NODES) if mask >> source & 1)


@cache
def _tokens(target: int, last: bool) -> npt.NDArray[np.object_]:
    """Text of a node by label and by the bits of its sources, shape ``[labels, 2 ** target]``."""
    names = ("output",) if last else SHORT_NAMES
    end = "" if last else "|"
    rows = [[f"{name}~{_sources(mask)}{end}" for mask in range(1 << target)] for name in names]
    return np.array(rows, dtype=object)


def to_strings(keys: npt.ArrayLike) -> list[str]:
    """Write the strings of many cells."""
    nodes, edges, code = unpack(keys)
    strings = np.empty(nodes.shape, dtype=object)
    for count in np.unique(nodes).tolist():
        rows = np.flatnonzero(nodes == count)
        labels = LABELS[count][code[rows]]
        text = np.full(len(rows), "", dtype=object)
        for target in range(1, count):
            sources = edges[rows] >> edge_bit(0, target) & ((1 << target) - 1)
            last = target == count - 1
            label = np.zeros(len(rows), np.int8) if last else labels[:, target - 1]
            text += _tokens(target, last)[label, sources]
        strings[rows] = text
    names: list[str] = strings.tolist()
    return names


def to_string(key: int) -> str:
    """Write the string of one cell.

    Examples:
        >>> to_string(pack(4, 0b101_01_1, 3))
        'conv1x1~0|conv3x3~0|output~02'
    """
    nodes, edges = key >> _NODES_SHIFT, key >> _EDGES_SHIFT & _EDGES_MASK
    labels = labels_of(key)
    return "".join(
        _tokens(target, target == nodes - 1)[
            0 if target == nodes - 1 else labels[target - 1],
            edges >> edge_bit(0, target) & ((1 << target) - 1),
        ]
        for target in range(1, nodes)
    )


@cache
def _parts(nodes: int) -> tuple[dict[str, int], ...]:
    """Contribution of the text of each node to the key of a cell, by number of nodes."""
    tables = []
    for target in range(1, nodes):
        last = target == nodes - 1
        weight = 0 if last else len(OPERATIONS) ** (nodes - 2 - target)
        tables.append(
            {
                text.rstrip("|"): (mask << edge_bit(0, target) << _EDGES_SHIFT) + label * weight
                for label, row in enumerate(_tokens(target, last).tolist())
                for mask, text in enumerate(row)
            }
        )
    return tuple(tables)


def read_key(text: str) -> int | None:
    """Key of a string, or None if it differs from the form of `to_string`.

    The nodes may come in any allowed order, and some may be on no path from input to output.

    Examples:
        >>> to_string(read_key("conv1x1~0|conv3x3~0|output~02"))
        'conv1x1~0|conv3x3~0|output~02'
    """
    parts = text.split("|")
    nodes = len(parts) + 1
    if nodes > MAX_NODES:
        return None
    key = nodes << _NODES_SHIFT
    try:
        for table, part in zip(_parts(nodes), parts, strict=True):
            key += table[part]
    except KeyError:
        return None
    return key
