from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import onnx
import pytest

from brpnas.export import export_network
from brpnas.export.parity import open_session
from brpnas.measure.quantise import quantise
from brpnas.spaces.nasbench201 import to_string
from tests.measure.small import NETWORK


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "network.onnx"
    export_network(to_string((3, 2, 4, 1, 3, 2)), path, NETWORK, exporter="torchscript")
    return path


def test_every_convolution_reads_integers(source: Path, tmp_path: Path) -> None:
    quantise(source, tmp_path / "q.onnx", (1, *NETWORK.input_shape))
    model = onnx.load(str(tmp_path / "q.onnx"))
    made = {output: node for node in model.graph.node for output in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    weights = {w.name: w for w in model.graph.initializer}
    assert convolutions
    for node in convolutions:
        data, weight = (made[name] for name in node.input[:2])
        assert {data.op_type, weight.op_type} == {"DequantizeLinear"}
        integers, scales = (weights[name] for name in weight.input[:2])
        assert integers.data_type == onnx.TensorProto.INT8
        assert list(scales.dims) == [integers.dims[0]], "a scale per output channel"


def test_answers_are_near_those_of_float(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "q.onnx"
    quantise(source, target, (1, *NETWORK.input_shape))
    images = np.random.default_rng(5).standard_normal((1, *NETWORK.input_shape), np.float32)
    floats, integers = (
        open_session(path).run(None, {"image": images})[0] for path in (source, target)
    )
    assert np.abs(floats - integers).max() < 0.5 * np.abs(floats).max()


def test_is_deterministic_and_quiet(
    source: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handlers = list(logging.getLogger().handlers)
    for name in ("a.onnx", "b.onnx"):
        quantise(source, tmp_path / name, (1, *NETWORK.input_shape))
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert logging.getLogger().handlers == handlers
    assert not caplog.records
