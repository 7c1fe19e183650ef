"""NAS-Bench-201 graphs the slow way: written from the definition alone, cell by cell.

A cell has nodes 0 to 3. Its input is node 0, its output node 3, and it has exactly four paths. An
operation is alive if it lies on a path without `none`; in the pruned view two operations are joined
if they follow one another on such a path once the skips are taken out of it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

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


def _finish(ops: list[int], edges: Iterable[tuple[int, int]]) -> tuple[list[int], list[list[int]]]:
    used = [node for node in range(9) if ops[node] != BLANK]
    always = {(0, node) for node in used} | {(node, node) for node in used}
    often = Counter([*edges, *always])
    return ops, [[often[i, j] for j in range(9)] for i in range(9)]


def _ways(codes: tuple[int, ...]) -> tuple[list[int], set[tuple[int, int, tuple[int, ...]]]]:
    """Operations, and how one leads to the next: both nodes and the nodes within 0 to 3 between."""
    ops = [GLOBAL, INPUT, *[BLANK] * 6, OUTPUT]
    ways = set()
    code = dict(zip(EDGE_ORDER, codes, strict=True))
    for path in live_paths(codes):
        station, between = INPUT_NODE, [0]
        for edge in path:
            if code[edge] != SKIP:
                ops[node_of(edge)] = FIRST + code[edge]
                ways.add((station, node_of(edge), tuple(between)))
                station, between = node_of(edge), []
            between.append(edge[1])
        ways.add((station, OUTPUT_NODE, tuple(between)))
    return ops, ways


def slow_pruned(codes: tuple[int, ...]) -> tuple[list[int], list[list[int]]]:
    """Operations and adjacency of the pruned view."""
    ops, ways = _ways(codes)
    return _finish(ops, {(start, end) for start, end, _ in ways})


def slow_function(codes: tuple[int, ...]) -> tuple[list[int], list[list[int]]]:
    """Operations and adjacency of the view ``function``: how many ways lead along an edge."""
    ops, ways = _ways(codes)
    return _finish(ops, [(start, end) for start, end, _ in ways])


def slow_raw(codes: tuple[int, ...]) -> tuple[list[int], list[list[int]]]:
    """Operations and adjacency of the raw view: every path counts, with any operations."""
    ops = [GLOBAL, INPUT, *[FIRST + code for code in codes], OUTPUT]
    edges = set()
    for path in PATHS:
        stations = [INPUT_NODE, *map(node_of, path), OUTPUT_NODE]
        edges |= set(itertools.pairwise(stations))
    return _finish(ops, edges)
