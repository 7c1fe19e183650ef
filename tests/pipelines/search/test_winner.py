"""The network file that is delivered: measured itself, and told apart from what the search knew."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from brpnas.candidates import ImageSource, JobConfig, TrainedNetworkFile, train_architecture
from brpnas.devices import Device
from brpnas.errors import MeasurementError
from brpnas.measure import LocalTarget, TorchEager, describe_device, probe
from brpnas.measure.artifacts import Manifest
from brpnas.measure.targets import Rows
from brpnas.search import Limits
from brpnas.spaces import get_space
from pipelines.config import ExportConfig, TimingConfig, parse
from pipelines.delivered import network_module, network_onnx
from pipelines.measuring import measure_settings
from pipelines.search.found import Delivered
from pipelines.search.measuring import Measuring, set_up_measuring
from pipelines.search.settings import SearchSettings, read_settings
from pipelines.search.winner import measure_network, measure_winner
from tests.pipelines.parameters import changed
from tests.pipelines.search.stage import EXPORT, IMAGES, NETWORK, TIMING, search
from tests.pipelines.toys import SMALL

pytestmark = pytest.mark.usefixtures("quick_export")

SPACE = "nasbench201"
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
DEAD = "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|none~0|nor_conv_3x3~1|none~2|"
"""Its second convolution reaches no output."""
INT8 = TIMING | {"precision": "int8"}


def known(params: dict[str, Any] = TIMING) -> dict[str, Device]:
    settings = measure_settings(parse(TimingConfig, params), SPACE, SMALL)
    return {"mine": describe_device(probe(settings), settings, "mine")}


@pytest.fixture(scope="module")
def trained() -> bytes:
    config = JobConfig(2, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
    data = ImageSource().load()
    return TrainedNetworkFile.of(
        CELL, 0, train_architecture(CELL, 0, data, config), data, config
    ).to_bytes()


def measured(network: bytes, cell: str = CELL, **changes: object) -> tuple[float, list[bytes]]:
    """Latency of the file, and what ONNX Runtime was given."""
    settings = measure_settings(parse(TimingConfig, TIMING | changes), SPACE, SMALL)
    given = (cell, network, SPACE, SMALL, parse(ExportConfig, EXPORT))
    file, _ = network_onnx(*given)
    return measure_network(file, lambda: network_module(*given), settings, LocalTarget()), [file]


def test_the_exported_file_is_what_is_measured(
    trained: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    given: list[bytes] = []
    original = LocalTarget.measure

    def measure(self: LocalTarget, folder: Path) -> Rows:
        (network,) = Manifest.read(folder).networks
        given.append((folder / network.files[0].file).read_bytes())
        return original(self, folder)

    monkeypatch.setattr(LocalTarget, "measure", measure)
    with caplog.at_level(logging.WARNING):
        for network in (b"", trained):
            latency, files = measured(network)
            assert latency > 0
            assert given == files, "the very bytes"
            given.clear()
    assert not caplog.records


def test_torch_measures_the_network_that_the_file_is_made_from(
    trained: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without dead operations, which torch would execute."""
    given: list[nn.Module] = []
    original = TorchEager.convert
    monkeypatch.setattr(
        "brpnas.measure.runtimes.TorchEager.convert",
        lambda self, module, *rest: given.append(module) or original(self, module, *rest),
    )
    for cell, network in ((DEAD, b""), (CELL, trained)):
        assert measured(network, cell, runtime="torch")[0] > 0
        file = network_module(cell, network, SPACE, SMALL, parse(ExportConfig, EXPORT))
        weights = given.pop().state_dict()
        assert weights.keys() == file.state_dict().keys()
        assert all(torch.equal(weights[name], value) for name, value in file.state_dict().items())
    whole = get_space(SPACE).build(DEAD, replace(SMALL, executes_dead_ops=True)).state_dict()
    held = network_module(DEAD, b"", SPACE, SMALL, parse(ExportConfig, EXPORT)).state_dict()
    assert len(whole) > len(held)


@pytest.mark.parametrize(
    ("device", "change", "why"),
    [
        ("amd-epyc-onnxruntime-fp32-1t", {}, r"'amd-epyc-onnxruntime-fp32-1t'\."),
        ("mine", {"threads": 2}, "1 thread.*2 threads"),
        ("mine", {"runs": 3}, "2 blocks of 2 runs.*2 blocks of 3 runs"),
    ],
)
def test_a_device_that_is_not_the_predicted_one_is_said(
    device: str, change: dict[str, object], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        measuring = set_up(TIMING | change, known(), device)[1]
        with measuring.opened() as (_, here):
            pass
    assert here.startswith(known()["mine"].hardware), "not the name of the other"
    found = delivered(TIMING | change, known(), device)
    assert (found.figures()["latency_ms"], found.figures()["latency_error"]) == (None, None)
    assert found.figures()["measured_on"] == here
    assert found.figures()["latency_elsewhere_ms"] == found.measured.ms
    assert [note for note in found.notes() if note.startswith("Device: ")]
    (warned,) = {r.getMessage() for r in caplog.records if r.name == "pipelines.search.measuring"}
    assert re.search(why, warned)


def test_a_network_that_cannot_be_measured_is_an_error() -> None:
    settings = measure_settings(parse(TimingConfig, TIMING), SPACE, SMALL)
    with pytest.raises(MeasurementError, match="InvalidProtobuf"):
        measure_network(b"no file", nn.Identity, settings, LocalTarget())


def predictions_of(device: str, precision: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": [CELL],
            "device": [device],
            "latency_ms": [0.02],
            "predicted_latency_ms": [0.02],
            "network_size": [SMALL.size],
            "split": ["train"],
            "log_deviation": [0.1],
            "precision": [precision],
        }
    )


def set_up(
    measure: dict[str, Any],
    devices: dict[str, Device],
    device: str,
    precision: str | None = None,
    **changes: object,
) -> tuple[SearchSettings, Measuring]:
    values = changed(search(report={"measure_winner": True}), changes)
    settings = read_settings(SPACE, "toys", ["latency_ms <= 1"], values, NETWORK, IMAGES)
    limits = Limits.parse(
        ["latency_ms <= 1"], latency=settings.search.limits.latency, table_ms={CELL: 0.02}
    )
    predictions = predictions_of(device, precision)
    return settings, set_up_measuring(settings, limits, predictions, devices, measure)


def delivered(
    measure: dict[str, Any],
    devices: dict[str, Device],
    device: str = "mine",
    asked_ms: float | None = 0.02,
    precision: str | None = None,
    **changes: object,
) -> Delivered:
    settings, measuring = set_up(measure, devices, device, precision, **changes)
    history = pd.DataFrame(
        {
            "query": [0],
            "arch_id": [CELL],
            "status": ["ok"],
            "accuracy": [0.5],
            "feasible": [True],
            "estimate": [float("nan")],
            "seed": [0],
            "predicted_latency_ms": [0.02],
            "latency_ms": [asked_ms],
        }
    )
    accuracy = pd.DataFrame({"dataset": ["toys"], "network_size": [SMALL.size]})
    done = measure_winner(settings, history, b"", measuring, accuracy, EXPORT)
    found = done.latency
    in_torch = found.measured is not None and found.measured.of.in_torch
    assert (done.sha256 is None) == (found.measured is None or in_torch)
    return found


def test_int8_is_said_loudly_and_the_fp32_file_is_measured(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = delivered(INT8, known(INT8))
    assert found.measured is not None
    assert found.figures()["latency_ms"] == found.measured.ms
    assert found.figures()["latency_error"] is None, "the prediction is of another network"
    (note,) = found.notes()
    assert re.match(r"Precision: .* int8 .* fp32", note)
    assert f"takes {found.measured.ms:.4g} ms" in note
    assert "int8 takes 0.02 ms" in note
    assert note in caplog.text
    unmeasured = delivered(INT8, known(INT8), report={"measure_winner": False})
    assert "not measured (search.report.measure_winner)" in unmeasured.notes()[0]
    assert unmeasured.known is not None
    assert (unmeasured.known.ms, unmeasured.latency) == (0.02, None)


def test_a_table_that_states_int8_goes_before_the_catalogue() -> None:
    for devices in ({}, known()):
        said = delivered(TIMING, devices, precision="int8", report={"measure_winner": False})
        assert re.match(r"Precision: .* int8 ", said.notes()[0])
        assert said.latency is None
        assert said.predicted.of.precision == "int8"


def test_a_precision_that_nothing_states_is_said_to_be_assumed() -> None:
    (note,) = delivered(TIMING, {}, report={"measure_winner": False}).notes()
    assert re.match(r"Precision: .*fp32", note)


def test_a_file_like_all_that_were_measured_needs_no_note() -> None:
    found = delivered(TIMING, known())
    assert found.notes() == []
    figures = found.figures()
    assert figures["latency_ms"] == found.measured.ms
    assert figures["latency_error"] == pytest.approx(0.02 / found.measured.ms - 1)


def test_what_was_measured_before_asking_is_of_what_measured_it() -> None:
    """Not of the device in the catalogue, which has the precision and the name of another."""
    embedded = "amd-epyc-onnxruntime-fp32-1t"
    given = {"limits": {"latency": "device"}, "report": {"measure_winner": False}}
    found = delivered(INT8, {}, embedded, **given)
    assert found.known.of.precision == "int8"
    assert found.figures()["latency_ms"] is None
    assert [note.partition(":")[0] for note in found.notes()] == ["Precision", "Device"]
    mine = delivered(TIMING, known(), **given)
    assert mine.figures()["latency_ms"] == 0.02
    assert mine.notes() == []
    looked_up = delivered(TIMING, known(), asked_ms=None, **given)
    assert looked_up.figures()["latency_ms"] == 0.02
