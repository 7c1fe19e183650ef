"""Every notation of a NAS-Bench-101 cell.

`read_notation` takes the string of this library with its nodes in any order, the published JSON
form of matrix and operations, and the module hash. `read_cell` takes the string alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from brpnas.errors import ArchitectureError, did_you_mean
from brpnas.spaces.nasbench101.canonical import canonical_key
from brpnas.spaces.nasbench101.cell import OPERATIONS, SHORT_NAMES, read_key
from brpnas.spaces.nasbench101.hashing import keys_of_hashes
from brpnas.spaces.nasbench101.normalise import normalise

__all__ = ["from_matrix", "read_cell", "read_notation"]

_EXAMPLE = "conv3x3~0|maxpool3x3~0|conv1x1~12|output~03"
_MOST_NODES = 10
_HASH = re.compile(r"[0-9a-f]{32}")
_LABELS = {name: label for names in (OPERATIONS, SHORT_NAMES) for label, name in enumerate(names)}


def read_cell(text: str) -> int:
    """Canonical key of the cell of a string.

    The string may list the nodes in any order and may hold dead ones; these are removed.

    Raises:
        ArchitectureError: If the string is not a cell; the message says why.

    Examples:
        >>> from brpnas.spaces.nasbench101.cell import to_string
        >>> to_string(read_cell("maxpool3x3~0|conv3x3~0|conv1x1~0|output~12"))
        'conv3x3~0|maxpool3x3~0|output~12'
    """
    key = read_key(text)
    canonical = None if key is None else canonical_key(key)
    if canonical is not None:
        return canonical
    try:
        return normalise(*_parse(text.strip()))
    except ArchitectureError as error:
        raise _malformed(text, error) from None


def from_matrix(adjacency: Sequence[Sequence[float]], operations: Sequence[str | int]) -> int:
    """Canonical key of a cell in the published form.

    Args:
        adjacency: 1 for an edge from row to column, shape ``[nodes, nodes]``. The first node is the
            input, the last one the output.
        operations: Operation of each node, by name (``conv3x3-bn-relu``) or label (0 to 2); those
            of input and output are ignored.

    Raises:
        ArchitectureError: If this is not a cell; gives the reason, without its name.

    Examples:
        >>> from brpnas.spaces.nasbench101.cell import to_string
        >>> to_string(from_matrix([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "maxpool3x3", ""]))
        'maxpool3x3~0|output~01'
    """
    size = len(operations)
    if size < 2 or len(adjacency) != size or any(len(row) != size for row in adjacency):
        raise ArchitectureError(
            f"{size} operations take a matrix of {size} rows and columns, and two or more of them"
        )
    if others := [entry for row in adjacency for entry in row if entry not in (0, 1)]:
        raise ArchitectureError(f"its matrix must hold only 0 and 1, not {others[0]!r:.80}")
    sources = [
        sum(1 << source for source in range(size) if adjacency[source][node])
        for node in range(size)
    ]
    labels = [0, *(_label(operation) for operation in operations[1:-1]), 0]
    return normalise(sources, labels)


def read_notation(text: str) -> int:
    """Canonical key of a cell in any notation.

    - The string of this library, see `read_cell`.
    - JSON as published: ``{"module_adjacency": [[...]], "module_operations": [...]}``, or a list of
      the two.
    - The module hash, 32 hexadecimal digits. The first one in a process takes some seconds to hash
      the whole space.

    Raises:
        ArchitectureError: If the text is not a cell; the message says why.
    """
    stripped = text.strip()
    if _HASH.fullmatch(stripped):
        return int(keys_of_hashes([stripped])[0])
    if not stripped.startswith(("{", "[", "(")):
        return read_cell(text)
    try:
        return from_matrix(*_published(stripped))
    except ArchitectureError as error:
        raise _malformed(text, error) from None


def _published(text: str) -> tuple[Any, Any]:
    """Matrix and operations in a JSON text; only their types are checked."""
    try:
        value = json.loads(text.replace("'", '"').replace("(", "[").replace(")", "]"))
    except ValueError as error:
        raise ArchitectureError(f"it is not JSON ({error})") from None
    if isinstance(value, dict):
        value = [value.get("module_adjacency"), value.get("module_operations")]
    try:
        matrix, operations = value
        rows = [[float(entry) for entry in row] for row in matrix]
        return rows, [str(o) if isinstance(o, str) else int(o) for o in operations]
    except (TypeError, ValueError):
        raise ArchitectureError(
            "its JSON must hold a matrix (module_adjacency) and a list of operations "
            "(module_operations)"
        ) from None


def _label(operation: str | int) -> int:
    if isinstance(operation, str):
        if operation not in _LABELS:
            hint = did_you_mean(operation, _LABELS)
            raise ArchitectureError(f"unknown operation {operation!r}{hint and '.' + hint}")
        return _LABELS[operation]
    if not 0 <= operation < len(OPERATIONS):
        raise ArchitectureError(f"unknown operation {operation}: labels go from 0 to 2")
    return operation


def _parse(text: str) -> tuple[list[int], list[int]]:
    """Sources and label of each node of a string, as `normalise` takes them."""
    parts = text.split("|")
    if len(parts) + 1 > _MOST_NODES:
        raise ArchitectureError(f"it has {len(parts) + 1} nodes and at most 7 are allowed")
    sources, labels = [0], [0]
    for node, part in enumerate(parts, start=1):
        name, separator, digits = part.strip().partition("~")
        last = node == len(parts)
        if not separator or not re.fullmatch(r"[0-9]*", digits):
            raise ArchitectureError(
                f"node {node}, {part!r}, must read 'operation~sources', each source a digit"
            )
        if last and name != "output":
            raise ArchitectureError(f"its last node must be 'output', not {name!r}")
        if any(int(digit) >= node for digit in digits):
            raise ArchitectureError(f"node {node}, {part!r}, must follow its sources")
        sources.append(sum(1 << int(digit) for digit in set(digits)))
        labels.append(0 if last else _label(name))
    return sources, labels


def _malformed(text: str, why: ArchitectureError) -> ArchitectureError:
    reason = str(why) if str(why).endswith("?") else f"{why}."
    return ArchitectureError(
        f"{text!r} is not a NAS-Bench-101 cell: {reason} An example: {_EXAMPLE}"
    )
