"""Deployed networks of every runtime that is installed: their answers, files and times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

from brpnas.errors import ConfigurationError, MeasurementError
from brpnas.export import describe_model, export_image_network
from brpnas.measure import DeployedNetwork, MeasureSettings, OnnxRuntime, deploy, runtime_of
from brpnas.measure.runner import SOFTWARE
from brpnas.measure.runtimes import RUNTIMES, Runtime
from tests.measure.runtimes.networks import TINY, cell_network, installed
from tests.measure.small import PROTOCOL

FILES = {
    "onnxruntime": ["winner.onnx"],
    "openvino": ["winner.xml", "winner.bin"],
    "litert": ["winner.tflite"],
    "executorch": ["winner.pte"],
    "ncnn": ["winner.ncnn.param", "winner.ncnn.bin"],
    "torch": ["winner.npz"],
}
QUICK = {("onnxruntime", "fp32"), ("onnxruntime", "int8"), ("openvino", "fp32"), ("ncnn", "fp32")}
"""The others are slow tests: test_every_runtime.py has the answers and times of most."""
EVERY = [
    pytest.param(
        kind(1, precision),
        marks=[] if (kind.name, precision) in QUICK else [pytest.mark.slow],
    )
    for kind in RUNTIMES.values()
    for precision in kind.precisions
]
IMAGES = np.random.default_rng(0).normal(size=(5, *TINY.input_shape)).astype(np.float32)


def batches(size: int) -> Iterator[np.ndarray]:
    yield from (IMAGES[start : start + size] for start in range(0, len(IMAGES), size))


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return cell_network(3, 2, 4, 1, 0, 3)


@pytest.fixture(scope="module")
def content(network: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("deployed") / "network.onnx"
    given = (network, path, TINY.input_shape, {"label_names": '["a"]'})
    export_image_network(*given, dynamic_batch=True, exporter="torchscript")
    return path.read_bytes()


def deployed(
    network: nn.Module, content: bytes, runtime: Runtime, folder: Path, batch: int = 1
) -> DeployedNetwork:
    settings = MeasureSettings(runtime, PROTOCOL, TINY, batch)
    scales: Tensor | None = torch.from_numpy(IMAGES) if runtime.precision == "int8" else None
    return deploy(network, content, settings, folder, scales)


@pytest.mark.parametrize("runtime", EVERY, ids=lambda r: f"{r.name}-{r.precision}")
def test_the_files_answer_as_torch_and_have_the_names_of_the_runtime(
    runtime: Runtime, network: nn.Module, content: bytes, tmp_path: Path
) -> None:
    made = deployed(network, content, installed(runtime), tmp_path, 2 if runtime.batches else 1)
    assert list(made.files) == FILES[runtime.name]
    assert all(path.stat().st_size for path in made.files.values())
    made.check()
    with torch.inference_mode():
        expected = network(torch.from_numpy(IMAGES)).numpy()
    answers = made.answers(batches(3), len(IMAGES))
    assert answers.shape == expected.shape
    apart = np.abs(answers - expected).max() / np.abs(expected).max()
    assert apart < (runtime.tolerance or 0.3)
    spread = np.abs(expected - expected[0]).max()
    assert spread > 5 * np.abs(answers - expected).max(), "the answers are of their images"
    if SOFTWARE[runtime.name].half(runtime.provider) or runtime.precision != "fp16":
        timing = made.time()
        assert timing.latency_ms > 0
        sizes = sum(path.stat().st_size for path in made.files.values())
        assert timing.file_kib == sizes / 1024


def test_an_onnx_file_is_deployed_byte_for_byte_and_takes_metadata(
    network: nn.Module, content: bytes, tmp_path: Path
) -> None:
    made = deployed(network, content, OnnxRuntime(), tmp_path)
    assert made.files["winner.onnx"].read_bytes() == content
    more = made.with_metadata({"test_accuracy": "0.5"})
    *_, metadata = describe_model(more.files["winner.onnx"])
    assert metadata["label_names"] == '["a"]'
    assert metadata["test_accuracy"] == "0.5"
    np.testing.assert_array_equal(more.answers(batches(5), 5), made.answers(batches(5), 5))


def test_a_quantised_onnx_file_keeps_metadata_and_open_batch(
    network: nn.Module, content: bytes, tmp_path: Path
) -> None:
    made = deployed(network, content, OnnxRuntime(precision="int8"), tmp_path)
    path = made.files["winner.onnx"]
    (image,), _, metadata = describe_model(path)
    assert image.shape == ("batch", *TINY.input_shape)
    assert metadata["label_names"] == '["a"]'
    assert "QuantizeLinear" in {node.op_type for node in onnx.load(path).graph.node}


def test_int8_needs_a_batch_of_calibration_images(
    network: nn.Module, content: bytes, tmp_path: Path
) -> None:
    runtime = OnnxRuntime(precision="int8")
    settings = MeasureSettings(runtime, PROTOCOL, TINY, 6)
    for scales in (None, torch.from_numpy(IMAGES)):
        with pytest.raises(ConfigurationError, match=r"\b6\b"):
            deploy(network, content, settings, tmp_path, scales)
    fits = deploy(network, content, replace(settings, batch_size=2), tmp_path, scales)
    assert fits.artifact.shape[0] == 2


def test_a_file_that_answers_otherwise_or_cannot_be_run_is_an_error(
    network: nn.Module, content: bytes, tmp_path: Path
) -> None:
    other = deployed(cell_network(2, 2, 2, 2, 2, 2), content, OnnxRuntime(), tmp_path)
    for ask in (other.check, lambda: other.answers(batches(5), 5)):
        with pytest.raises(MeasurementError, match=r"\d\.\de[+-]\d\d"):
            ask()
    broken = deployed(network, b"no file", OnnxRuntime(), tmp_path)
    with pytest.raises(MeasurementError, match="InvalidProtobuf"):
        broken.answers(batches(5), 5)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *((kind.title, name) for name, kind in RUNTIMES.items()),
        ("ONNX Runtime 1.31.1 (CPUExecutionProvider, 1 thread)", "onnxruntime"),
        ("torch 2.13.0+cpu eager (cpu, 1 thread)", "torch"),
        ("TensorFlow 1.x", None),
        (None, None),
    ],
)
def test_runtimes_are_known_by_the_text_of_a_catalogue(text: str | None, name: str | None) -> None:
    assert runtime_of(text) == name
