"""A predictor with known answers: the metric of a cell is the sum of its nodes' costs.

Written as ONNX by hand, in a moment, with every output and view that a file may have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from brpnas.datasets import MEASURED
from brpnas.graphs import DEVICE_VIEWS, View
from brpnas.spaces import get_space

COSTS = (0.0, 0.1, 0.2, 0.3, 0.01, 0.5, 2.0, 7.0, 1.0)
"""Milliseconds of each node code of NAS-Bench-201."""
METADATA = {"space": "nasbench201", "view": "raw"}


def cost_model(
    costs: Sequence[float] = COSTS,
    *,
    value: str = "latency_ms",
    view: str = "raw",
    margin: float | None = None,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """An ONNX file; with ``margin`` its interval is the value times ``1 ± margin``."""
    views = DEVICE_VIEWS if view == "both" else (view,)
    prefixes = [f"{name}_" if view == "both" else "" for name in views]
    graph = [helper.make_node("Add", [f"{p}nodes" for p in prefixes], [value])]
    if view != "both":
        graph = [helper.make_node("Identity", ["nodes"], [value])]
    constants = {"costs": np.array(costs, np.float32), "one": np.array([1], np.int64)}
    sums, inputs = [], []
    for p in prefixes:
        sums += [
            helper.make_node("Gather", ["costs", f"{p}ops"], [f"{p}each"]),
            helper.make_node("ReduceSum", [f"{p}each", "one"], [f"{p}nodes"], keepdims=0),
        ]
        inputs += [
            helper.make_tensor_value_info(f"{p}ops", TensorProto.INT64, ["batch", 9]),
            helper.make_tensor_value_info(f"{p}adj", TensorProto.FLOAT, ["batch", 9, 9]),
        ]
    outputs = [value]
    if margin is not None:
        for name, factor in zip(MEASURED[value].bounds, (1 - margin, 1 + margin), strict=True):
            constants[f"{name}_factor"] = np.array(factor, np.float32)
            graph.append(helper.make_node("Mul", [value, f"{name}_factor"], [name]))
            outputs.append(name)
    tensors = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch"]) for n in outputs]
    initial = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    made = helper.make_graph(sums + graph, "costs", inputs, tensors, initial)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    described = METADATA | {"view": view} if metadata is None else dict(metadata)
    helper.set_model_props(model, described)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def slow_cost_model(size: int, products: int) -> bytes:
    """The same answers, after products of square matrices of zeros made by the file."""
    model = onnx.load_from_string(cost_model())
    graph = model.graph
    graph.initializer.append(numpy_helper.from_array(np.array([size, size]), "sizes"))
    graph.node[-1].output[0] = "sum"
    graph.node.append(helper.make_node("ConstantOfShape", ["sizes"], ["zeros0"]))
    for i in range(products):
        graph.node.append(helper.make_node("MatMul", [f"zeros{i}"] * 2, [f"zeros{i + 1}"]))
    graph.node.append(helper.make_node("ReduceSum", [f"zeros{products}"], ["zero"], keepdims=0))
    graph.node.append(helper.make_node("Add", ["sum", "zero"], ["latency_ms"]))
    return bytes(model.SerializeToString())


def cost_of(
    arch_ids: Sequence[str], view: View = "raw", costs: Sequence[float] = COSTS
) -> np.ndarray:
    """The answer of the file, node by node."""
    graphs = get_space("nasbench201").encode(arch_ids, view)
    return np.array([sum(costs[op] for op in ops) for ops in graphs.ops.tolist()])
