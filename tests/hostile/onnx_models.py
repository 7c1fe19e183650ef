"""ONNX files that read other files, never end, or give no number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.hostile import Folder, Hostile

__all__ = ["make_onnx"]

_METADATA = {"space": "nasbench201", "view": "raw"}


def _model(cost: float = 1.0, metadata: dict[str, str] | None = None) -> onnx.ModelProto:
    """Latency of a cell: the same cost for each of its nodes."""
    constants = {"costs": np.full(9, cost, np.float32), "axis": np.array([1], np.int64)}
    nodes = [
        helper.make_node("Gather", ["costs", "ops"], ["each"]),
        helper.make_node("ReduceSum", ["each", "axis"], ["latency_ms"], keepdims=0),
    ]
    inputs = [
        helper.make_tensor_value_info("ops", TensorProto.INT64, ["b", 9]),
        helper.make_tensor_value_info("adj", TensorProto.FLOAT, ["b", 9, 9]),
    ]
    outputs = [helper.make_tensor_value_info("latency_ms", TensorProto.FLOAT, ["b"])]
    initial = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, _METADATA if metadata is None else metadata)
    return model


def _external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def _endless(model: onnx.ModelProto) -> None:
    """The same sum, added to a loop of 2^62 rounds."""
    inputs = [
        helper.make_tensor_value_info("i", TensorProto.INT64, []),
        helper.make_tensor_value_info("go", TensorProto.BOOL, []),
        helper.make_tensor_value_info("x", TensorProto.FLOAT, []),
    ]
    outputs = [
        helper.make_tensor_value_info("go2", TensorProto.BOOL, []),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, []),
    ]
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["go2"]), helper.make_node("Identity", ["x"], ["y"])],
        "body",
        inputs,
        outputs,
    )
    for name, value in {
        "rounds": np.array(2**62),
        "yes": np.array(True),
        "zero": np.float32(0),
    }.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    model.graph.node[1].output[0] = "sum"
    model.graph.node.append(
        helper.make_node("Loop", ["rounds", "yes", "zero"], ["last"], body=body)
    )
    model.graph.node.append(helper.make_node("Add", ["sum", "last"], ["latency_ms"]))


def _gigabytes(model: onnx.ModelProto) -> None:
    sizes = numpy_helper.from_array(np.array([60_000, 60_000], np.int64), "sizes")
    model.graph.initializer.append(sizes)
    model.graph.node[1].output[0] = "sum"
    model.graph.node.extend(
        [
            helper.make_node("ConstantOfShape", ["sizes"], ["zeros"]),
            helper.make_node("ReduceSum", ["zeros"], ["zero"], keepdims=0),
            helper.make_node("Add", ["sum", "zero"], ["latency_ms"]),
        ]
    )


def _products(model: onnx.ModelProto, kind: int = TensorProto.FLOAT) -> None:
    """Hours of matrix products, each within little memory."""
    sizes = numpy_helper.from_array(np.array([4000, 4000], np.int64), "sizes")
    value = helper.make_tensor("value", kind, [1], [0])
    model.graph.initializer.append(sizes)
    model.graph.node[1].output[0] = "sum"
    nodes = [helper.make_node("ConstantOfShape", ["sizes"], ["x0"], value=value)]
    nodes += [helper.make_node("MatMul", [f"x{i}"] * 2, [f"x{i + 1}"]) for i in range(10_000)]
    nodes += [
        helper.make_node("Cast", ["x10000"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["floats"], ["zero"], keepdims=0),
        helper.make_node("Add", ["sum", "zero"], ["latency_ms"]),
    ]
    model.graph.node.extend(nodes)


def _whole_products(model: onnx.ModelProto) -> None:
    _products(model, TensorProto.INT64)


def _nodes(model: onnx.ModelProto) -> None:
    model.graph.node.extend([onnx.NodeProto()] * 1_500_000)


def _domain(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Run", ["ops"], ["x"], domain="com.example"))


CHANGES: dict[str, Callable[[onnx.ModelProto], None]] = {
    "weights in another file": _external,
    "a loop that does not end": _endless,
    "14 GB of zeros": _gigabytes,
    "hours of products": _products,
    "hours of products of whole numbers": _whole_products,
    "millions of empty nodes": _nodes,
    "operators of another domain": _domain,
}


def make_onnx(root: Path) -> list[Hostile]:
    """Make the files."""
    folder = Folder(root, "ONNX", ".onnx")
    name = "a space that is a Python file"
    space = folder.root / "space.py"
    space.write_text(f"open({str(folder.marker(name))!r}, 'w')\n", encoding="utf-8")
    described = {
        name: {"space": str(space), "view": "raw"},
        "a space that does not exist": {"space": "x", "view": "raw"},
        "a space of other graphs": {"space": "darts", "view": "raw"},
        "no metadata": {},
        "a coverage that is text": _METADATA | {"coverage": "most"},
        "a number of nodes that is no float": _METADATA | {"num_nodes": "9" * 400},
    }
    for what, metadata in described.items():
        folder.add(what, _model(metadata=metadata).SerializeToString(), "onnx")
    for what, value in {"answers of NaN": np.nan, "answers of infinity": np.inf}.items():
        folder.add(what, _model(float(value)).SerializeToString(), "onnx")
    for what, change in CHANGES.items():
        model = _model()
        change(model)
        folder.add(what, model.SerializeToString(), "onnx")
    good = _model().SerializeToString()
    folder.add("cut off", good[:-20], "onnx")
    folder.add("text", b"hello " * 100, "onnx")
    return folder.made
