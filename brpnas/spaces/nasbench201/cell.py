"""The NAS-Bench-201 cell: operations, edges, and its two notations.

A cell has four nodes and six edges, each edge one of five operations. `to_string` and
`from_string` translate between a tuple of operation codes and the benchmark's own string;
`live_edges` finds the operations on a path from input to output.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from brpnas.errors import ArchitectureError, did_you_mean

__all__ = ["EDGES", "OPERATIONS", "from_string", "live_edges", "to_string", "validate_codes"]

OPERATIONS: tuple[str, ...] = (
    "none",
    "skip_connect",
    "nor_conv_1x1",
    "nor_conv_3x3",
    "avg_pool_3x3",
)
"""Operation of each code, 0 to 4."""

EDGES: tuple[tuple[int, int], ...] = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Source and target node of each edge, in the order of the codes."""

_CODES = {name: code for code, name in enumerate(OPERATIONS)}
_EXAMPLE = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"


def validate_codes(codes: Sequence[int]) -> tuple[int, ...]:
    """Return the codes as a tuple of six ints.

    Raises:
        ArchitectureError: If they are not six codes of operations.
    """
    try:
        given = tuple(operator.index(code) for code in codes)
    except TypeError:
        given = ()
    if len(given) != len(EDGES) or not all(0 <= code < len(OPERATIONS) for code in given):
        raise ArchitectureError(
            f"{codes!r} is not a NAS-Bench-201 cell: give {len(EDGES)} codes from 0 to "
            f"{len(OPERATIONS) - 1}, one per edge in the order {EDGES}."
        )
    return given


def to_string(codes: Sequence[int]) -> str:
    """Write a tuple of six operation codes as the benchmark's string.

    Raises:
        ArchitectureError: If the codes are not a cell.

    Examples:
        >>> to_string((3, 3, 4, 1, 3, 1))
        '|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|'
    """
    terms = [
        f"{OPERATIONS[code]}~{source}"
        for code, (source, _) in zip(validate_codes(codes), EDGES, strict=True)
    ]
    return f"|{terms[0]}|+|{'|'.join(terms[1:3])}|+|{'|'.join(terms[3:])}|"


def from_string(text: str) -> tuple[int, ...]:
    """Read the benchmark's string into a tuple of six operation codes.

    Raises:
        ArchitectureError: If the string is malformed; names the wrong part.

    Examples:
        >>> from_string("|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|")
        (0, 0, 0, 2, 0, 0)
    """
    nodes = text.strip().split("+")
    if len(nodes) != 3:
        raise _malformed(text, f"it has {len(nodes)} groups joined by '+' where a cell has 3")
    codes: list[int] = []
    for target, node in enumerate(nodes, start=1):
        terms = node.split("|")
        if len(terms) != target + 2 or terms[0] or terms[-1]:
            raise _malformed(text, f"group {node!r} must hold {target} operation(s) between '|'")
        for source, term in enumerate(terms[1:-1]):
            name, separator, given = term.partition("~")
            if name not in _CODES:
                raise _malformed(text, f"unknown operation {name!r}.{did_you_mean(name, _CODES)}")
            if not separator or given != str(source):
                raise _malformed(text, f"{term!r} must read '{name}~{source}'")
            codes.append(_CODES[name])
    return tuple(codes)


def live_edges(codes: Sequence[int]) -> tuple[bool, ...]:
    """For each edge, whether it lies on a path from the cell's input to its output.

    The operation `none` interrupts a path.

    Raises:
        ArchitectureError: If the codes are not a cell.

    Examples:
        >>> live_edges((3, 0, 0, 1, 0, 3))
        (False, False, False, True, False, False)
    """
    cell = validate_codes(codes)
    fed, wanted = {EDGES[0][0]}, {EDGES[-1][1]}
    for code, (source, target) in zip(cell, EDGES, strict=True):
        if code and source in fed:
            fed.add(target)
    # EDGES are sorted by target; backwards they must be visited by source.
    for code, (source, target) in sorted(
        zip(cell, EDGES, strict=True), key=lambda item: item[1], reverse=True
    ):
        if code and target in wanted:
            wanted.add(source)
    return tuple(
        bool(code) and source in fed and target in wanted
        for code, (source, target) in zip(cell, EDGES, strict=True)
    )


def _malformed(text: str, why: str) -> ArchitectureError:
    return ArchitectureError(
        f"{text!r} is not a NAS-Bench-201 architecture: {why.rstrip('.')}. An example: {_EXAMPLE}"
    )
