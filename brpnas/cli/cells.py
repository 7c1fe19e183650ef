"""Text of ``brpnas arch``: one architecture, explained."""

from __future__ import annotations

import numpy as np

from brpnas.cli.text import fields, table
from brpnas.errors import ArchitectureError
from brpnas.graphs import BLANK, GLOBAL, OUTPUT, View
from brpnas.spaces import DEFAULT_SPACE, NasBench201, SearchSpace, get_space
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, from_string

__all__ = ["describe_cell", "fates", "read_cell"]

_VIEWS: tuple[View, View] = ("raw", "pruned")


def fates(arch_id: str) -> tuple[list[str], bool]:
    """Effect of the pruned view on each edge, and whether the cell is connected.

    Args:
        arch_id: A cell.

    Returns:
        For each of the six edges ``kept``, ``cut`` (no operation), ``bypassed`` (a skip connection)
        or ``removed`` (on no path from input to output); and whether such a path exists.
    """
    graph = NasBench201().to_graph(arch_id, "pruned")
    named = {"none": "cut", "skip_connect": "bypassed"}
    seen = [
        named.get(OPERATIONS[code], "removed" if op == BLANK else "kept")
        for code, op in zip(from_string(arch_id), graph.ops[2:-1], strict=True)
    ]
    output = int(np.flatnonzero(graph.ops == OUTPUT)[0])
    return seen, bool(graph.adj[1:output, output].any())


def read_cell(text: str, space: SearchSpace) -> str:
    """Canonical string of an architecture in any notation of the space.

    Raises:
        ArchitectureError: If the text is invalid; shows a canonical string.
    """
    try:
        return space.read(text)
    except ArchitectureError:
        return space.canonical(text)


def describe_cell(text: str, space: SearchSpace | str = DEFAULT_SPACE) -> str:
    """Canonical string, function, cost, and the edges (NAS-Bench-201) or nodes of the graph.

    Args:
        text: The architecture, in any notation of the space.
        space: The space or its name.

    Raises:
        ArchitectureError: If the text is not an architecture of the space.
    """
    known = get_space(space)
    arch_id = read_cell(text, known)
    params, flops = (float(value[0]) for value in known.cost([arch_id]))
    facts = {"architecture": arch_id}
    if known.name != DEFAULT_SPACE:
        facts["space"] = known.name
    facts["isomorphism id"] = known.isomorphism_ids([arch_id])[0]
    if isinstance(known, NasBench201):
        seen, connected = fates(arch_id)
        facts["connected"] = "yes" if connected else "no: no path leads from input to output"
        rows = [
            [f"{source} -> {target}", OPERATIONS[code], fate]
            for (source, target), code, fate in zip(EDGES, from_string(arch_id), seen, strict=True)
        ]
        drawn = table(["edge", "operation", "pruned view"], rows)
        note = "Parameters and FLOPs are those of the benchmark's network on CIFAR-10"
    else:
        drawn = _nodes(arch_id, known)
        note = "Parameters and FLOPs are those of the published network of the space"
    note += f", with all its operations.{_exported(arch_id, known)}"
    if np.isnan([params, flops]).all():
        note = "The space gives no cost of its networks."
    facts["parameters"] = "" if np.isnan(params) else f"{params / 1e6:.3f} M"
    facts["FLOPs"] = "" if np.isnan(flops) else f"{flops / 1e6:.3f} M multiply-adds"
    return f"{fields(facts)}\n\n{drawn}\n\n{note}"


def _exported(arch_id: str, space: SearchSpace) -> str:
    """Cost of the exported network, also used by constraints: without dead operations."""
    params, flops = (float(v[0]) for v in space.cost([arch_id], space.published.as_exported))
    return (
        f" The exported network, without operations on no path to the output, has "
        f"{params / 1e6:.3f} M parameters and {flops / 1e6:.3f} M multiply-adds; constraints use "
        "these."
    )


def _nodes(arch_id: str, space: SearchSpace) -> str:
    """Table of the nodes in both views; with aligned views the numbers are the same."""
    raw, pruned = (space.encode([arch_id], view)[0] for view in _VIEWS)
    shown = [int(i) for i in np.flatnonzero((raw.ops != BLANK) & (raw.ops != GLOBAL))]
    same = raw.ops.shape == pruned.ops.shape
    aligned = same and bool(((pruned.ops == BLANK) | (pruned.ops == raw.ops)).all())
    rows = []
    for node in shown:
        feeds = ", ".join(str(other) for other in shown if other != node and raw.adj[node, other])
        row = [str(node), space.vocabulary[int(raw.ops[node])], feeds]
        if aligned:
            row.append("removed" if pruned.ops[node] == BLANK else "kept")
        rows.append(row)
    header = ["node", "operation", "feeds", *(["pruned view"] if aligned else [])]
    return table(header, rows, right=["node"])
