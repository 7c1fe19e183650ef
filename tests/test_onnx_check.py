"""`check_onnx` accepts the operators of predictors, and rejects access outside the file."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from brpnas.errors import SchemaError
from brpnas.onnx_check import check_onnx
from tests.export.costs import cost_model


def model(change: str) -> bytes:
    """A predictor of the tests, with one change."""
    made = onnx.load_from_string(cost_model())
    graph = made.graph
    if change == "external":
        tensor = graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")
    if change == "external attribute":
        value = numpy_helper.from_array(np.zeros(2, np.float32), "x")
        value.external_data.add(key="location", value="secret")
        graph.node.append(helper.make_node("Constant", [], ["unused"], value=value))
    if change == "loop":
        body = helper.make_graph([], "body", [], [])
        graph.node.append(helper.make_node("Loop", ["", ""], [], body=body))
    if change == "branch":
        branch = helper.make_graph([], "branch", [], [])
        graph.node.append(helper.make_node("If", ["x"], [], then_branch=branch))
    if change == "domain":
        graph.node.append(helper.make_node("Identity", ["x"], ["y"], domain="com.example"))
    if change == "function":
        made.functions.add(name="f", domain="x")
    if change == "training":
        made.training_info.add()
    if change == "sparse":
        graph.sparse_initializer.add()
    if change == "operator":
        graph.node.append(helper.make_node("Einsum", ["x", "x"], ["y"], equation="ij,kl->"))
    if change == "whole numbers":
        graph.node.append(helper.make_node("Cast", ["one"], ["x"], to=TensorProto.INT32))
        graph.node.append(helper.make_node("Identity", ["x"], ["y"]))
        graph.node.append(helper.make_node("MatMul", ["y", "y"], ["z"]))
    if change == "unknown":
        graph.node.append(helper.make_node("MatMul", ["x", "x"], ["z"]))
    if change == "two types":
        graph.node.append(helper.make_node("Shape", ["costs"], ["nodes"]))
    if change == "operations":
        graph.node.extend([helper.make_node("Abs", ["x"], ["x"])] * 20_001)
    if change == "names":
        graph.doc_string = "x" * (5 * 2**20)
    return bytes(made.SerializeToString())


def test_a_predictor_passes() -> None:
    check_onnx(model("nothing"), "x.onnx")
    check_onnx(cost_model(view="both", margin=0.5), "x.onnx")


def test_weights_may_be_large() -> None:
    made = onnx.load_from_string(cost_model())
    made.graph.initializer.append(numpy_helper.from_array(np.zeros(2**21, np.float32), "large"))
    made.graph.initializer.append(
        helper.make_tensor("plain", TensorProto.FLOAT, [2**21], [0.5] * 2**21)
    )
    check_onnx(made.SerializeToString(), "x.onnx")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("external", "another file"),
        ("external attribute", "another file"),
        ("loop", "'body'"),
        ("branch", "'then_branch'"),
        ("domain", r"domain 'com\.example'"),
        ("function", "functions"),
        ("training", "training steps"),
        ("sparse", "sparse"),
        ("operator", "the operator 'Einsum'"),
        ("whole numbers", "MatMul .*'y' .* 6, "),
        ("unknown", "MatMul .*'x' .* 0, "),
        ("two types", "'nodes' "),
        ("operations", "more than 20,000 operations"),
        ("names", "5,243,166 bytes"),
    ],
)
def test_what_no_predictor_has(change: str, says: str) -> None:
    with pytest.raises(SchemaError, match=rf"x\.onnx .*{says}"):
        check_onnx(model(change), "x.onnx")


def test_types_are_followed_to_products() -> None:
    """Floats by each way that a type comes about."""
    made = onnx.load_from_string(cost_model())
    graph = made.graph
    shape = {"value": numpy_helper.from_array(np.array([2, 2]), "shape")}
    half = {"value": numpy_helper.from_array(np.array([0.5]), "half")}
    graph.node.extend(
        [
            helper.make_node("Constant", [], ["shape"], **shape),
            helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
            helper.make_node("ConstantOfShape", ["shape"], ["halves"], **half),
            helper.make_node("Equal", ["ops", "ops"], ["same"]),
            helper.make_node("Where", ["same", "costs", "costs"], ["chosen"]),
            helper.make_node("OneHot", ["ops", "one", "chosen"], ["hot"]),
            helper.make_node("Shape", ["ops"], ["sizes"]),
            helper.make_node("Cast", ["sizes"], ["cast"], to=TensorProto.DOUBLE),
        ]
    )
    for name in ("zeros", "halves", "chosen", "hot", "cast", "adj"):
        graph.node.append(helper.make_node("MatMul", [name, name], [f"{name} squared"]))
    check_onnx(made.SerializeToString(), "x.onnx")
    for name, element in (("ops", 7), ("same", 9), ("sizes", 7)):
        wrong = onnx.ModelProto()
        wrong.CopyFrom(made)
        wrong.graph.node.append(helper.make_node("MatMul", [name, name], ["wrong"]))
        with pytest.raises(SchemaError, match=f"'{name}' .* {element}, "):
            check_onnx(wrong.SerializeToString(), "x.onnx")


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_a_file_that_is_cut_off(cut: int) -> None:
    with pytest.raises(SchemaError, match=r"x\.onnx .*ONNX .*\("):
        check_onnx(cost_model()[:-cut], "x.onnx")


@pytest.mark.parametrize(
    "content", [b"\x3a\xff\xff\xff\xff\x0f", b"\xff" * 20, b"\x3b", b"\x38\x01"]
)
def test_what_is_no_protocol_buffer(content: bytes) -> None:
    with pytest.raises(SchemaError, match=r"x\.onnx .*ONNX .*\("):
        check_onnx(content, "x.onnx")


def test_more_empty_parts_than_any_model_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brpnas.onnx_check._MAX_FIELDS", 20_000)
    nodes = b"\x0a\x00" * 22_000
    size = len(nodes)
    varint = bytes(
        [size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 21]
    )
    with pytest.raises(SchemaError, match="more than 20,000 parts"):
        check_onnx(b"\x3a" + varint + nodes, "x.onnx")
