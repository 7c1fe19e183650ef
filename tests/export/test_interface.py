from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from brpnas.export import TensorSpec, describe_model


def test_a_file_made_by_hand(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Cast", ["x"], ["y"], to=TensorProto.INT64)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, ["batch", 3])],
    )
    model = helper.make_model(graph)
    helper.set_model_props(model, {"a": "1", "b": "|"})
    onnx.save(model, tmp_path / "m.onnx")
    assert describe_model(tmp_path / "m.onnx") == (
        (TensorSpec("x", "float16", ("batch", 3)),),
        (TensorSpec("y", "int64", ("batch", 3)),),
        {"a": "1", "b": "|"},
    )
