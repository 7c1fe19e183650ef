"""NAS-Bench-201 graphs the slow way: written from the definition alone, cell by cell.

A cell has nodes 0 to 3. Its input is node 0, its output node 3, and it has exactly four paths. An
operation is alive if it lies on a path without `none`; in the pruned view two operations are joined
if they follow one another on such a path once the skips are taken out of it.
"""

from __future__ import annotations

import itertools

PATHS = (((0, 3),), ((0, 1), (1, 3)), ((0, 2), (2, 3)), ((0, 1), (1, 2), (2, 3)))
EDGE_ORDER = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
NONE, SKIP = 0, 1

BLANK, GLOBAL, INPUT, OUTPUT, FIRST = 0, 1, 2, 3, 4
INPUT_NODE, OUTPUT_NODE = 1, 8  # of nine: global, input, six operations, output


def live_paths(codes: tuple[int, ...]) -> list[tuple[tuple[int, int], ...]]:
    """Paths of a cell that carry something, as tuples of edges."""
    code = dict(zip(EDGE_ORDER, codes, strict=True))
    return [path for path in PATHS if all(code[edge] != NONE for edge in path)]


def node_of(edge: tuple[int, int]) -> int:
    """Node of an edge's operation in the graph of nine nodes."""
    return EDGE_ORDER.index(edge) + 2


def _finish(ops: list[int], edges: set[tuple[int, int]]) -> tuple[list[int], list[list[int]]]:
    used = [node for node in range(9) if ops[node] != BLANK]
    edges = edges | {(0, node) for node in used} | {(node, node) for node in used}
    return ops, [[int((i, j) in edges) for j in range(9)] for i in range(9)]


def slow_pruned(codes: tuple[int, ...]) -> tuple[list[int], list[list[int]]]:
    """Operations and adjacency of the pruned view."""
    ops = [GLOBAL, INPUT, *[BLANK] * 6, OUTPUT]
    edges = set()
    code = dict(zip(EDGE_ORDER, codes, strict=True))
    for path in live_paths(codes):
        doing = [edge for edge in path if code[edge] != SKIP]
        for edge in doing:
            ops[node_of(edge)] = FIRST + code[edge]
        stations = [INPUT_NODE, *map(node_of, doing), OUTPUT_NODE]
        edges |= set(itertools.pairwise(stations))
    return _finish(ops, edges)


def slow_raw(codes: tuple[int, ...]) -> tuple[list[int], list[list[int]]]:
    """Operations and adjacency of the raw view: every path counts, whatever is on it."""
    ops = [GLOBAL, INPUT, *[FIRST + code for code in codes], OUTPUT]
    edges = set()
    for path in PATHS:
        stations = [INPUT_NODE, *map(node_of, path), OUTPUT_NODE]
        edges |= set(itertools.pairwise(stations))
    return _finish(ops, edges)
