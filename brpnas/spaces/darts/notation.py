"""The published notation of DARTS architectures: the text of a ``Genotype``.

`read_notation` reads copies from papers and logs. Text is parsed, never executed.
"""

from __future__ import annotations

import ast
import re
from typing import Any, NoReturn

import numpy as np

from brpnas.errors import ArchitectureError, did_you_mean
from brpnas.spaces.darts.cell import (
    CELLS,
    NODES,
    OPERATIONS,
    node_number,
    node_numbers,
    to_strings,
)

__all__ = ["read_notation"]

_FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
_GENOTYPE = re.compile(r"\s*(?:\w+\s*=\s*)?(?:\w+\.)?Genotype\s*\(")
_LONGEST = 10_000
_CONCAT = list(range(2, NODES + 2))


def read_notation(text: str) -> str:
    """Return the ``arch_id`` of a canonical string or of the text of a ``Genotype``.

    A name may precede the genotype (``DARTS_V2 = Genotype(...)``). Its concatenations may be
    ranges, lists or tuples, but must name all four intermediate nodes, as in every architecture of
    the space.

    Raises:
        ArchitectureError: If the text is not an architecture; the message says why.
    """
    if not _GENOTYPE.match(text):
        return to_strings(node_numbers([text]))[0]
    fields = _fields(text)
    numbers = []
    for cell in CELLS:
        if fields[f"{cell}_concat"] != _CONCAT:
            _refuse(text, f"{cell}_concat must be the intermediate nodes, range(2, 6)")
        edges = fields[cell]
        if not isinstance(edges, list | tuple) or len(edges) != 2 * NODES:
            _refuse(text, f"{cell} must be a list of {2 * NODES} pairs of operation and input")
        pairs = [_edge(text, edge, 2 + i // 2) for i, edge in enumerate(edges)]
        for first, second in zip(pairs[::2], pairs[1::2], strict=True):
            if first[1] == second[1]:
                _refuse(text, f"a node of {cell} reads node {first[1]} twice")
            numbers.append(node_number(first, second))
    return to_strings(np.array([numbers], np.int64))[0]


def _edge(text: str, edge: Any, earlier: int) -> tuple[int, int]:
    if not isinstance(edge, list | tuple) or len(edge) != 2 or type(edge[1]) is not int:
        _refuse(
            text, f"{edge!r} must be a pair of operation and input, such as ('skip_connect', 0)"
        )
    name, source = edge
    if name not in OPERATIONS:
        hint = did_you_mean(str(name), OPERATIONS)
        _refuse(text, f"unknown operation {name!r}.{hint}" if hint else f"no operation {name!r}")
    if not 0 <= source < earlier:
        _refuse(text, f"{edge!r} must read one of the nodes 0 to {earlier - 1}")
    return OPERATIONS.index(name), source


def _fields(text: str) -> dict[str, Any]:
    body = text.strip().partition("Genotype")[2] if len(text) <= _LONGEST else ""
    try:
        call = ast.parse("Genotype" + body, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call = None
    if not isinstance(call, ast.Call) or len(call.args) > len(_FIELDS):
        _refuse(text, "it cannot be read as one call of Genotype")
    values = dict(zip(_FIELDS, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg not in _FIELDS or keyword.arg in values:
            _refuse(text, f"the argument {keyword.arg!r} is unknown or given twice")
        values[keyword.arg] = keyword.value
    missing = [name for name in _FIELDS if name not in values]
    if missing:
        _refuse(text, f"it lacks {', '.join(missing)}")
    return {name: _value(text, name, value) for name, value in values.items()}


def _value(text: str, name: str, node: ast.expr) -> Any:
    """Value of a literal, or the numbers of a ``range`` of one or two small literals."""
    try:
        if isinstance(node, ast.Call):
            bounds = [ast.literal_eval(argument) for argument in node.args]
            small = all(type(bound) is int and abs(bound) < 100 for bound in bounds)
            if ast.unparse(node.func) == "range" and small and len(bounds) in (1, 2):
                return list(range(*bounds))
            raise ValueError
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        _refuse(text, f"{name} is neither a list nor a range")
    is_numbers = name.endswith("concat") and isinstance(value, list | tuple)
    return sorted(value, key=repr) if is_numbers else value


def _refuse(text: str, why: str) -> NoReturn:
    end = "" if why.endswith("?") else "."
    raise ArchitectureError(
        f"{text!r} is not a DARTS architecture: {why}{end} A genotype reads "
        "Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ...], "
        "normal_concat=range(2, 6), reduce=[...], reduce_concat=range(2, 6))."
    )
