"""Which NAS-Bench-201 cells compute the same function, as the benchmark counts them.

Each node is written as an expression of the cell's input ``0``: `none`, and any operation of a bare
zero, is ``#``; `skip_connect` is its argument; any other operation a new term ``(argument)@name``;
a node the sum of its edges in sorted order. Cells with equal expressions are one function. This is
the "unique string" of NAS-Bench-201, which counts 6,466 of them, and the notation is the published
one because its sorting decides which sums are found equal. The benchmark neither drops zeros from
sums nor flattens them, so some of its classes still compute the same (multiplied out and without
zeros there are 4,930), and others do not: it writes one convolution added to itself as it writes
two of the same kind, which the view ``function`` tells apart. Keeping its count keeps results
comparable.
"""

from __future__ import annotations

from collections.abc import Sequence

from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS

__all__ = ["expression"]

_NONE, _SKIP = 0, 1
_ZERO = "#"


def expression(codes: Sequence[int]) -> str:
    """Canonical expression of what a cell computes of its input.

    Args:
        codes: Six operation codes, as `brpnas.spaces.nasbench201.from_string` gives them.

    Example:
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
