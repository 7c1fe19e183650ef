"""The network file that is delivered: measured itself, and told apart from what the search knew."""

from __future__ import annotations

import logging
import re
from typing import Any

import pandas as pd
import pytest

from brpnas.candidates import CandidateConfig, ImageSource, TrainedNetworkFile, train_candidate
from brpnas.devices import Device
from brpnas.errors import MeasurementError
from brpnas.measure import describe_device, probe
from pipelines.config import ExportConfig, MeasureConfig, parse
from pipelines.delivered import network_onnx
from pipelines.measuring import measure_settings
from pipelines.search.sizes import Delivered
from pipelines.search.winner import deliver, measure_winner
from tests.pipelines.search.test_nodes import EXPORT, MEASURE
from tests.pipelines.toys import SMALL

SPACE = "nasbench201"
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
INT8 = MEASURE | {"precision": "int8"}


def known(params: dict[str, Any] = MEASURE) -> dict[str, Device]:
    settings = measure_settings(parse(MeasureConfig, params), SPACE, SMALL)
    return {"mine": describe_device(probe(settings), settings, "mine")}


@pytest.fixture(scope="module")
def trained() -> bytes:
    config = CandidateConfig(2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
    data = ImageSource().load()
    return TrainedNetworkFile.of(
        CELL, 0, train_candidate(CELL, 0, data, config), data, config
    ).to_bytes()


def measured(
    network: bytes, device: str = "mine", cell: str = CELL, **changes: object
) -> tuple[float, list[bytes]]:
    """Latency of the file, and what ONNX Runtime was given."""
    settings = measure_settings(parse(MeasureConfig, MEASURE | changes), SPACE, SMALL)
    file, _ = network_onnx(CELL, network, SPACE, SMALL, parse(ExportConfig, EXPORT))
    return measure_winner(cell, network, file, device, known(), settings, None), [file]


def test_the_exported_file_is_what_is_measured(
    trained: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    given: list[bytes] = []
    session = "brpnas.measure.runtimes.OnnxRuntime._session"
    from brpnas.measure import OnnxRuntime  # noqa: PLC0415

    original = OnnxRuntime._session
    monkeypatch.setattr(session, lambda self, model: given.append(model) or original(self, model))
    with caplog.at_level(logging.WARNING):
        for network in (b"", trained):
            latency, files = measured(network)
            assert latency > 0
            assert given == files, "the very bytes"
            given.clear()
    assert not caplog.records


def test_torch_measures_the_network_that_the_file_is_made_from(trained: bytes) -> None:
    for network in (b"", trained):
        assert measured(network, runtime="torch")[0] > 0


@pytest.mark.parametrize(
    ("device", "change", "why"),
    [
        ("amd-epyc-onnxruntime-fp32-1t", {}, "no device that was measured here"),
        ("mine", {"threads": 2}, "1 thread.*2 threads"),
        ("mine", {"runs": 3}, "2 blocks of 2 runs.*2 blocks of 3 runs"),
    ],
)
def test_a_device_that_is_not_the_predicted_one_is_said(
    device: str, change: dict[str, object], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert measured(b"", device, **change)[0] > 0
    assert "another device than latency is predicted of" in caplog.text
    assert re.search(why, caplog.text)


def test_a_network_that_cannot_be_measured_is_an_error() -> None:
    with pytest.raises(MeasurementError, match="network found cannot be measured"):
        measured(b"", cell="no cell", runtime="torch")


def delivered(measure: dict[str, Any] | None, devices: dict[str, Device]) -> Delivered:
    predictions = pd.DataFrame({"device": ["mine"], "network_size": [SMALL.size]})
    return deliver(
        CELL,
        b"",
        0.02,
        [SMALL.size],
        predictions,
        devices,
        SPACE,
        SMALL,
        None if measure is None else parse(MeasureConfig, measure),
        parse(ExportConfig, EXPORT),
    )


def test_int8_is_said_loudly_and_the_fp32_file_is_measured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = delivered(INT8, known(INT8))
    assert found.file_ms is not None
    assert found.latency_ms == found.file_ms
    assert found.error(0.02) is None, "the prediction is of another network"
    (note,) = found.notes()
    assert re.match(r"Precision: latencies and their limit are of int8 networks; .* is fp32", note)
    assert f"takes {found.file_ms:.4g} ms" in note
    assert "int8 takes 0.02 ms" in note
    assert note in caplog.text
    unmeasured = delivered(None, known(INT8))
    assert "not measured (search.measure_winner)" in unmeasured.notes()[0]
    assert (unmeasured.latency_ms, unmeasured.has_latency) == (0.02, False)


def test_a_file_like_all_that_were_measured_needs_no_note() -> None:
    found = delivered(MEASURE, known())
    assert found.notes() == []
    assert found.has_latency
    assert found.error(2 * found.latency_ms) == pytest.approx(1.0)
