"""Isomorphism classes of NAS-Bench-201 cells, as counted by the benchmark.

Each node is an expression of the cell's input ``0``: `none`, and any operation on a bare zero, is
``#``; `skip_connect` is its argument; any other operation is a new term ``(argument)@name``; a node
is the sum of its edges in sorted order. Cells with equal expressions form a class. This is the
"unique string" of NAS-Bench-201, with 6,466 classes; its published notation is kept because the
sort order decides equality.

The benchmark neither drops zeros from sums nor flattens them. So some of its classes compute the
same function (4,930 remain after both). Others mix functions: a convolution added to itself is
written like two of the same kind, and only the view ``function`` tells them apart. The published
count keeps results comparable.
"""

from __future__ import annotations

from collections.abc import Sequence

from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS

__all__ = ["expression"]

_NONE, _SKIP = 0, 1
_ZERO = "#"


def expression(codes: Sequence[int]) -> str:
    """Canonical expression of the function of a cell, from its six operation codes.

    Examples:
        >>> expression((3, 0, 1, 2, 0, 1))
        '#+#+(0)@nor_conv_3x3+(0)@nor_conv_1x1'
    """
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = [
            _term(code, nodes[source])
            for code, (source, end) in zip(codes, EDGES, strict=True)
            if end == target
        ]
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def _term(code: int, argument: str) -> str:
    if code == _NONE or argument == _ZERO:
        return _ZERO
    return argument if code == _SKIP else f"({argument})@{OPERATIONS[code]}"
