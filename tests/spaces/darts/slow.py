"""DARTS graphs and renumberings the slow way: from the definition alone, one by one.

Cells are read from the string: for each cell a list of four nodes, each a list of two edges, pairs
of a short operation name and an input.
"""

from __future__ import annotations

import itertools

LONG = {
    "max3": "max_pool_3x3",
    "avg3": "avg_pool_3x3",
    "skip": "skip_connect",
    "sep3": "sep_conv_3x3",
    "sep5": "sep_conv_5x5",
    "dil3": "dil_conv_3x3",
    "dil5": "dil_conv_5x5",
}
Cells = list[list[list[tuple[str, int]]]]


def read(arch_id: str) -> Cells:
    """Cells of an architecture."""
    cells = []
    for cell in arch_id.split(";"):
        nodes = cell.split("=")[1].split("|")
        pairs = [[term.split("~") for term in node.split("+")] for node in nodes]
        cells.append([[(op, int(source)) for op, source in node] for node in pairs])
    return cells


def graph(arch_id: str, pruned: bool) -> tuple[list[str], set[tuple[str, str]]]:
    """Names of the operations of the thirty nodes, and edges between the names of nodes."""
    ops, edges, order = {}, set(), []

    def add(node: str, op: str) -> str:
        ops[node] = op
        order.append(node)
        return node

    for cell, nodes in zip(("normal", "reduce"), read(arch_id), strict=True):
        prefix = "" if cell == "normal" else "reduce_"
        states = [add(f"{cell} 0", "input"), add(f"{cell} 1", f"{prefix}previous")]
        for i, node in enumerate(nodes):
            total = f"{cell} sum {i}"
            for e, (op, source) in enumerate(node):
                place = f"{cell} op {i} {e}"
                identity = op == "skip" and (cell == "normal" or source > 1)
                if pruned and identity:
                    add(place, "blank")
                    edges.add((states[source], total))
                else:
                    add(place, prefix + LONG[op])
                    edges |= {(states[source], place), (place, total)}
            states.append(add(total, f"{prefix}sum"))
        output = add(f"{cell} output", "output")
        edges |= {(state, output) for state in states[2:]}
    number = {node: str(i) for i, node in enumerate(order)}
    return [ops[node] for node in order], {(number[a], number[b]) for a, b in edges}


def plain(nodes: list[list[tuple[str, int]]]) -> tuple:
    """A cell as a tuple of nodes, each the sorted tuple of its edges, input first."""
    return tuple(tuple(sorted((source, op) for op, source in node)) for node in nodes)


def renumbered(nodes: list[list[tuple[str, int]]]) -> set[tuple]:
    """Every numbering of the four nodes of a cell with all edges from earlier to later nodes."""
    found = set()
    for order in itertools.permutations(range(4)):  # order[k] is the old node at the new place k
        place = {0: 0, 1: 1} | {2 + old: 2 + new for new, old in enumerate(order)}
        moved = plain([[(op, place[s]) for op, s in nodes[old]] for old in order])
        if all(s < 2 + k for k, node in enumerate(moved) for s, _ in node):
            found.add(moved)
    return found


def same_function(one: str, other: str) -> bool:
    """Whether two architectures are equal up to the numbering of nodes within cells."""
    return all(plain(b) in renumbered(a) for a, b in zip(read(one), read(other), strict=True))
