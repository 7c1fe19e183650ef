"""What ``brpnas arch`` prints: one architecture of NAS-Bench-201, explained."""

from __future__ import annotations

import numpy as np

from brpnas.cli.text import fields, table
from brpnas.graphs import BLANK, OUTPUT
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, from_string
from brpnas.spaces.nasbench201.cost import cost

__all__ = ["describe_cell", "fates"]


def fates(arch_id: str) -> tuple[list[str], bool]:
    """Tell what the pruned view makes of each edge, and whether the cell is connected.

    Args:
        arch_id: A cell.

    Returns:
        For each of the six edges ``kept``, ``cut`` (no operation), ``bypassed`` (a skip connection)
        or ``removed`` (on no path from input to output); and whether there is such a path.
    """
    graph = NasBench201().to_graph(arch_id, "pruned")
    named = {"none": "cut", "skip_connect": "bypassed"}
    seen = [
        named.get(OPERATIONS[code], "removed" if op == BLANK else "kept")
        for code, op in zip(from_string(arch_id), graph.ops[2:-1], strict=True)
    ]
    output = int(np.flatnonzero(graph.ops == OUTPUT)[0])
    return seen, bool(graph.adj[1:output, output].any())


def describe_cell(text: str) -> str:
    """Canonical string, function, cost, and the operation of every edge.

    Raises:
        ArchitectureError: If the text is not a cell.
    """
    space = NasBench201()
    arch_id = space.canonical(text)
    codes = from_string(arch_id)
    params, flops = (int(value[0]) for value in cost(np.array([codes])))
    seen, connected = fates(arch_id)
    head = fields(
        {
            "architecture": arch_id,
            "isomorphism id": space.isomorphism_ids([arch_id])[0],
            "connected": "yes" if connected else "no: no path leads from input to output",
            "parameters": f"{params / 1e6:.3f} M",
            "FLOPs": f"{flops / 1e6:.3f} M multiply-adds",
        }
    )
    rows = [
        [f"{source} -> {target}", OPERATIONS[code], fate]
        for (source, target), code, fate in zip(EDGES, codes, seen, strict=True)
    ]
    note = "Parameters and FLOPs are those of the benchmark's network on CIFAR-10."
    return f"{head}\n\n{table(['edge', 'operation', 'pruned view'], rows)}\n\n{note}"
