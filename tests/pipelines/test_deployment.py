"""Runtime and precision of the deployed network."""

from __future__ import annotations

from typing import Any

import pytest

from brpnas.errors import ConfigurationError
from brpnas.measure import get_runtime, runner
from pipelines.config import ExportConfig, TimingConfig, parse
from pipelines.deployment import check_deployment, deployed_runtime
from tests.measure.runtimes.networks import installed
from tests.pipelines.parameters import base

TIMING = base("timing")


@pytest.mark.parametrize(
    ("export", "device", "measured_in", "measures", "expected"),
    [
        (None, None, "litert", False, "onnxruntime"),
        (None, None, "litert", True, "litert"),
        (None, "OpenVINO 2026.4 (CPU, 1 thread)", "litert", True, "openvino"),
        (None, "TensorFlow 1.x", "onnxruntime", False, "onnxruntime"),
        ("ncnn", "OpenVINO 2026.4 (CPU, 1 thread)", "litert", True, "ncnn"),
    ],
)
def test_the_runtime_is_that_of_the_device(
    export: str | None, device: str | None, measured_in: str, measures: bool, expected: str
) -> None:
    timing = parse(TimingConfig, TIMING | {"runtime": measured_in, "threads": 2})
    config = parse(ExportConfig, base("export", runtime=export))
    found = deployed_runtime(config, timing, device, measures=measures)
    assert (found.name, found.threads) == (expected, 2)


def check(oracle: str = "train", timing: dict[str, Any] | None = None, **export: Any) -> None:
    search = base("search", oracle={"name": oracle})
    groups = {"export": base("export", **export), "timing": TIMING | (timing or {})}
    check_deployment({"search": search, **groups}, None)


def test_what_cannot_be_deployed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    check(precision="int8")
    with pytest.raises(ConfigurationError, match=r"'fp16'.* ONNX Runtime 'fp16'.*int8"):
        check(precision="fp16")
    with pytest.raises(ConfigurationError, match=r"search\.oracle\.name is 'table'"):
        check("table", precision="int8")
    with pytest.raises(ConfigurationError, match=r"\bbatch_size\b.*\b2\b"):
        check(runtime="ncnn", timing={"batch_size": 2})
    monkeypatch.setattr("brpnas.measure.runtimes.base.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"brpnas\[litert\].*export\.runtime"):
        check(runtime="litert")


@pytest.mark.parametrize("runtime", ["ncnn", "openvino"])
def test_fp16_that_this_processor_lacks_is_measured_elsewhere_or_not(
    runtime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed(get_runtime(runtime, precision="fp16"))
    fp16: dict[str, Any] = {"runtime": runtime, "precision": "fp16"}
    for half in (True, False):
        software = runner.SOFTWARE[runtime]._replace(half=lambda provider, half=half: half)
        monkeypatch.setitem(runner.SOFTWARE, runtime, software)
        check(measure=False, **fp16)
        check(timing={"target": "ssh://pi@board"}, measure=True, **fp16)
        if half:
            check(measure=True, **fp16)
        else:
            with pytest.raises(ConfigurationError, match=r"export\.measure"):
                check(measure=True, **fp16)
