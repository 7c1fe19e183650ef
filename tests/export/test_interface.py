from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from brpnas.export import TensorSpec, describe_model, with_metadata


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


def test_metadata_are_added_and_replaced_and_the_graph_stays(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["x_"])], "g", [value], [])
    model = helper.make_model(graph)
    helper.set_model_props(model, {"a": "1", "b": "2"})
    changed = with_metadata(model.SerializeToString(), {"b": "3", "c": "4"})
    assert changed == with_metadata(changed, {"c": "4"}), "the same bytes"
    (tmp_path / "m.onnx").write_bytes(changed)
    assert describe_model(tmp_path / "m.onnx")[2] == {"a": "1", "b": "3", "c": "4"}
    assert onnx.load(tmp_path / "m.onnx").graph == model.graph
