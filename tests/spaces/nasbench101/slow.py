"""NAS-Bench-101 written out slowly, straight from its definition; the tests compare with it.

Here a cell is a matrix (a tuple of rows) and a label for each inner node.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brpnas.spaces.nasbench101.canonical import sources_of
from brpnas.spaces.nasbench101.cell import labels_of, pack

Matrix = tuple[tuple[int, ...], ...]
Cell = tuple[Matrix, tuple[int, ...]]


def cell_of(key: int) -> Cell:
    """Matrix and labels of a key, bit by bit."""
    sources = sources_of(key)
    matrix = tuple(tuple(mask >> row & 1 for mask in sources) for row in range(len(sources)))
    return matrix, labels_of(key)


def key_of(cell: Cell) -> int:
    """Key of an upper triangular matrix as given: columns first, the lowest bit first."""
    matrix, labels = cell
    size = len(matrix)
    bits = [matrix[row][column] for column in range(size) for row in range(column)]
    code = 0
    for label in labels:
        code = 3 * code + label
    return pack(size, sum(bit << place for place, bit in enumerate(bits)), code)


def is_triangular(matrix: Matrix) -> bool:
    return not any(matrix[i][j] for i in range(len(matrix)) for j in range(i + 1))


def reordered(cell: Cell) -> Iterator[Cell]:
    """The cell with its inner nodes in every order."""
    matrix, labels = cell
    size = len(matrix)
    for inner in itertools.permutations(range(1, size - 1)):
        order = (0, *inner, size - 1)
        yield (
            tuple(tuple(matrix[i][j] for j in order) for i in order),
            tuple(labels[node - 1] for node in inner),
        )


def canonical(cell: Cell) -> int:
    """Smallest key of all orders with forward edges only."""
    return min(key_of(other) for other in reordered(cell) if is_triangular(other[0]))


def reach(matrix: Matrix, start: int) -> set[int]:
    """Nodes reachable from one node, itself included."""
    found, new = {start}, [start]
    while new:
        node = new.pop()
        after = {j for j, edge in enumerate(matrix[node]) if edge} - found
        found |= after
        new += after
    return found


def pruned(cell: Cell) -> Cell | None:
    """The nodes on paths from the first to the last; None if there are none."""
    matrix, labels = cell
    last = len(matrix) - 1
    live = [i for i in range(last + 1) if i in reach(matrix, 0) and last in reach(matrix, i)]
    if 0 not in live or last not in live:
        return None
    return (
        tuple(tuple(matrix[i][j] for j in live) for i in live),
        tuple(labels[i - 1] for i in live[1:-1]),
    )


def is_cyclic(matrix: Matrix) -> bool:
    return any(
        i in reach(matrix, j) for i, row in enumerate(matrix) for j, edge in enumerate(row) if edge
    )


def in_space(cell: Cell) -> int | None:
    """Canonical key after pruning, None if the cell is outside the space."""
    if is_cyclic(cell[0]):
        return None
    left = pruned(cell)
    if left is None or len(left[0]) > 7 or sum(map(sum, left[0])) > 9:
        return None
    return canonical(left)


def neighbours(key: int) -> set[int]:
    """Cells with one changed operation, one flipped edge or one new node."""
    matrix, labels = cell_of(key)
    size = len(matrix)
    changed: list[Cell] = []
    for node, label in itertools.product(range(size - 2), range(3)):
        changed.append((matrix, (*labels[:node], label, *labels[node + 1 :])))
    for i, j in itertools.permutations(range(size), 2):
        rows = [list(row) for row in matrix]
        rows[i][j] = 1 - rows[i][j]
        changed.append((tuple(map(tuple, rows)), labels))
    if size < 7:
        # The new node comes second; the others move up.
        wider = [[row[0], 0, *row[1:]] for row in matrix]
        wider = [wider[0], [0] * (size + 1), *wider[1:]]
        others = [0, *range(2, size + 1)]
        for (i, j), label in itertools.product(itertools.permutations(others, 2), range(3)):
            rows = [list(row) for row in wider]
            rows[i][1] = rows[1][j] = 1
            changed.append((tuple(map(tuple, rows)), (label, *labels)))
    return {found for cell in changed if (found := in_space(cell)) is not None} - {key}


def channels(matrix: Matrix, channels_in: int, channels_out: int) -> list[int]:
    """Channels of each node, from the sentence of the paper."""
    size = len(matrix)
    found = [channels_in] + [0] * (size - 2) + [channels_out]
    ends = [node for node in range(1, size - 1) if matrix[node][-1]]
    for place, node in enumerate(ends):
        found[node] = len(range(place, channels_out, len(ends)))
    for node in range(size - 2, 0, -1):
        if node not in ends:
            found[node] = max(found[j] for j in range(1, size - 1) if matrix[node][j])
    return found


def graphs_file(mirror: Path) -> tuple[dict[str, Any], list[Cell]]:
    """The public file of graphs, and its cells in the published order of nodes."""
    content = json.loads((mirror / "nasbench101" / "data-1k.json").read_text())
    cells = []
    for adjacency, operations in zip(content["adjacency"], content["operations"], strict=True):
        size = operations.index(-2) + 1
        matrix = tuple(tuple(int(edge) for edge in row[:size]) for row in adjacency[:size])
        cells.append((matrix, tuple(operations[1 : size - 1])))
    return content, cells
