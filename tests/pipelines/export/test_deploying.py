"""The network found as it is deployed: its files, and figures that are those of the files."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from brpnas.candidates import (
    ImageData,
    ImageSource,
    JobConfig,
    TrainedNetworkFile,
    held_out_batches,
    score_file,
    score_logits,
    train_architecture,
)
from brpnas.devices import Device
from brpnas.errors import ConfigurationError, MeasurementError, ParityError
from brpnas.measure import describe_device, get_runtime, probe, runtime_of
from brpnas.spaces import NetworkConfig
from pipelines.config import ExportConfig, TimingConfig, parse
from pipelines.delivered import network_onnx
from pipelines.export.nodes import deploy_network, set_up_deployment
from pipelines.measuring import measure_settings
from tests.measure.runtimes.networks import installed
from tests.pipelines.parameters import base
from tests.pipelines.search.stage import task
from tests.quick_export import exporting_quickly

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
SPACE = "nasbench201"
SIZE = NetworkConfig(8, 1, 3, (1, 8, 8), 10, executes_dead_ops=False)
NETWORK = base(
    "network", channels=8, cells_per_stage=1, stages=3, input_shape=[1, 8, 8], classes=10
)
IMAGES = base("images", path="digits", valid_share=1 / 3, test_share=1 / 3)
TIMING = base("timing", warmup=1, runs=5, repeats=2)
EXPORT = base("export")
MINE = {"size": SIZE.size, "device": "mine", "precision": "fp32", "runtime": "ONNX Runtime 1.0"}
Outputs = tuple[bytes, dict[str, bytes], dict[str, Any]]


@pytest.fixture(scope="module")
def data() -> ImageData:
    return ImageSource(valid_share=1 / 3, test_share=1 / 3).load()


@pytest.fixture(scope="module")
def trained(data: ImageData) -> TrainedNetworkFile:
    config = JobConfig(8, cells_per_stage=1, stages=3, epochs=12, batch_size=64)
    found = train_architecture(CELL, 0, data, config)
    return TrainedNetworkFile.of(CELL, 0, found, data, config)


@pytest.fixture(scope="module")
def onnx(trained: TrainedNetworkFile) -> Iterator[bytes]:
    with exporting_quickly():
        yield network_onnx(CELL, trained.to_bytes(), SPACE, SIZE, parse(ExportConfig, EXPORT))[0]


def result(of: dict[str, Any] = MINE, **changes: Any) -> dict[str, Any]:
    return {
        "task": task("digits", oracle={"name": "train"}, **changes),
        "network": {"size": SIZE.size, "accuracy_sizes": []},
        "latencies": {"predicted": {"ms": 0.05, "of": of}, "known": None},
        "chosen": {"arch_id": CELL},
        "known": {},
        "held_out": {},
        "member": None,
    }


def deploy(
    trained: TrainedNetworkFile | None,
    onnx: bytes,
    found: dict[str, Any] | None = None,
    devices: dict[str, Device] | None = None,
    timing: dict[str, Any] = TIMING,
    **export: Any,
) -> Outputs:
    given = found or result()
    groups = (NETWORK, timing, base("export", **export), IMAGES)
    deployment = set_up_deployment(given, devices or {}, *groups)
    return deploy_network(deployment, given, onnx, trained.to_bytes() if trained else b"")


def test_an_int8_winner_loses_less_than_half_a_point_and_its_figures_are_its_own(
    trained: TrainedNetworkFile, onnx: bytes, data: ImageData, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        scored, files, found = deploy(trained, onnx, precision="int8", measure=True)
    json.dumps(found, allow_nan=False)
    before, after = (score_file(content, data) for content in (scored, files["winner.onnx"]))
    assert before.accuracy > 0.9
    assert found["accuracy_drop"] == before.accuracy - after.accuracy <= 0.005
    assert found["float"]["accuracy"] == before.accuracy
    assert found["test"]["accuracy"] == after.accuracy
    assert found["confusion"] == [list(row) for row in after.confusion]
    assert (found["file"]["precision"], found["file"]["calibration_images"]) == ("int8", 128)
    assert found["file_bytes"] == len(files["winner.onnx"]) < found["float"]["file_bytes"] / 2
    assert found["float"]["file_bytes"] == len(scored)
    for content, scores in ((scored, before), (files["winner.onnx"], after)):
        about = ort.InferenceSession(content).get_modelmeta().custom_metadata_map
        assert json.loads(about["test_accuracy"]) == scores.accuracy, "of this file"
        assert json.loads(about["label_names"]) == list(data.label_names)
    described = json.loads(files["winner.json"])
    digest = hashlib.sha256(files["winner.onnx"]).hexdigest()
    assert described["files"] == {"winner.onnx": digest}
    assert described["metadata"]["test_accuracy"] == json.dumps(after.accuracy)
    assert found["latency"]["latency_elsewhere_ms"] > 0, "no such device was measured"
    assert [note.partition(":")[0] for note in found["notes"]] == ["Precision", "Device"]
    said = caplog.text
    assert f"{100 * before.accuracy:.2f} %" in said
    assert f"{100 * after.accuracy:.2f} %" in said
    assert "int8" in said
    assert all(note in said for note in found["notes"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("runtime", "precision", "names"),
    [
        ("litert", "int8", {"winner.tflite"}),
        ("executorch", "int8", {"winner.pte"}),
        ("executorch", "fp16", {"winner.pte"}),
        ("openvino", "int8", {"winner.xml", "winner.bin"}),
        ("openvino", "fp16", {"winner.xml", "winner.bin"}),
        ("ncnn", "fp32", {"winner.ncnn.param", "winner.ncnn.bin"}),
        ("torch", "fp32", {"winner.npz"}),
    ],
)
def test_every_runtime_gets_its_files(
    trained: TrainedNetworkFile, onnx: bytes, runtime: str, precision: str, names: set[str]
) -> None:
    installed(get_runtime(runtime, precision=precision))
    _, files, found = deploy(trained, onnx, runtime=runtime, precision=precision)
    assert set(files) == names | {"winner.json"}
    assert found["file_bytes"] == sum(len(files[name]) for name in names)
    assert found["accuracy_drop"] <= 0.005
    assert found["float"]["accuracy"] - found["test"]["accuracy"] == found["accuracy_drop"]
    assert runtime_of(found["file"]["runtime"]) == runtime
    assert found["float"]["name"] == "network.onnx"
    assert found["latency"]["latency_ms"] is None, "not measured"
    described = json.loads(files["winner.json"])
    assert set(described["files"]) == names
    assert json.loads(described["metadata"]["input_shape"]) == [1, 1, 8, 8]


def test_a_larger_loss_is_refused_with_ways_on(
    trained: TrainedNetworkFile, onnx: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scales of one dark image cut off most of the range."""
    monkeypatch.setattr(
        "pipelines.export.deploying.calibration_images",
        lambda *_: np.full((1, 1, 8, 8), -0.5, np.float32),
    )
    with pytest.raises(ParityError) as refused:
        deploy(trained, onnx, precision="int8")
    for way in ("calibration_images", "precision to fp32", "runtime", "max_accuracy_drop"):
        assert f"export.{way}" in str(refused.value)
    _, _, found = deploy(trained, onnx, precision="int8", max_accuracy_drop=1.0)
    assert found["accuracy_drop"] > 0.005


def test_the_float_file_is_measured_on_the_device_that_it_names(
    trained: TrainedNetworkFile, onnx: bytes
) -> None:
    settings = measure_settings(parse(TimingConfig, TIMING), SPACE, SIZE)
    mine = {"mine": describe_device(probe(settings), settings, "mine")}
    scored, files, found = deploy(trained, onnx, devices=mine, measure=True)
    assert files["winner.onnx"] == scored
    assert found["float"] is None
    assert found["accuracy_drop"] is None
    latency = found["latency"]
    assert latency["latency_ms"] > 0
    assert latency["latency_error"] == pytest.approx(0.05 / latency["latency_ms"] - 1)
    assert found["notes"] == []
    _, _, small = deploy(trained, onnx, devices=mine, measure=True, precision="int8")
    assert small["latency"]["latency_ms"] > 0, "the same device, another precision"
    assert small["latency"]["latency_error"] is None
    assert [note.partition(":")[0] for note in small["notes"]] == ["Precision"]


def test_a_precision_that_this_processor_lacks_is_not_measured(
    trained: TrainedNetworkFile, onnx: bytes
) -> None:
    runtime = installed(get_runtime("ncnn", precision="fp16"))
    from brpnas.measure.runner import SOFTWARE  # noqa: PLC0415

    if SOFTWARE["ncnn"].half(runtime.provider):
        pytest.skip("this processor computes fp16 in ncnn")
    with pytest.raises(MeasurementError, match=r"export\.measure"):
        deploy(trained, onnx, runtime="ncnn", precision="fp16", measure=True)


def test_initial_weights_are_converted_and_have_no_accuracy() -> None:
    given = result() | {"task": task("digits")}
    with exporting_quickly():
        onnx, _ = network_onnx(CELL, b"", SPACE, SIZE, parse(ExportConfig, EXPORT))
    _, files, found = deploy(None, onnx, given, runtime="torch")
    assert set(files) == {"winner.npz", "winner.json"}
    assert (found["trained"], found["accuracy_drop"]) == (False, None)
    assert found["float"]["accuracy"] is None
    with pytest.raises(ConfigurationError, match="not trained"):
        deploy(None, onnx, given, precision="int8")


def test_answers_of_the_deployed_file_are_what_is_scored(
    trained: TrainedNetworkFile, onnx: bytes, data: ImageData
) -> None:
    """By ONNX Runtime directly, without the runner."""
    _, files, found = deploy(trained, onnx, precision="int8", calibration_images=16)
    session = ort.InferenceSession(files["winner.onnx"], providers=["CPUExecutionProvider"])
    logits = [session.run(None, {"image": b})[0] for b in held_out_batches(trained, data)]
    assert score_logits(np.concatenate(logits), data).accuracy == found["test"]["accuracy"]
