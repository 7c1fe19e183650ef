"""Slow reference: the live activations of an ONNX file, node by node."""

from __future__ import annotations

import math
from pathlib import Path

import onnx


def live_bytes(path: Path) -> int:
    """Most bytes of feature maps that are live together, in the order of the nodes.

    A feature map is live while its node runs, and after it until the last node that reads it.
    Reshaped feature maps are the same memory.
    """
    graph = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True).graph
    size = {
        value.name: 4 * math.prod(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.value_info, *graph.output)
    }
    weights = {weight.name for weight in graph.initializer}
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Reshape"}
    nodes = [node for node in graph.node if node.op_type != "Reshape"]
    read = [{same.get(name, name) for name in node.input} - weights for node in nodes]
    made = [{graph.input[0].name}, *(set(node.output) for node in nodes)]
    ends = {graph.output[0].name}
    return max(
        sum(
            size[name]
            for name in set().union(*made[: now + 2])
            & set().union(made[now + 1], ends, *read[now:])
        )
        for now in range(len(nodes))
    )
