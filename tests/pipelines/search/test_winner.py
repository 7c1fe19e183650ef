"""Measuring the network found, trained or not, in the sizes that the predictor knows."""

from __future__ import annotations

import logging
import re

import pytest

from brpnas.candidates import CandidateConfig, ImageSource, TrainedNetworkFile, train_candidate
from brpnas.errors import MeasurementError
from brpnas.measure import describe_device, probe
from pipelines.config import MeasureConfig, parse
from pipelines.measuring import measure_settings
from pipelines.network import network_config
from pipelines.search.winner import measure_winner
from tests.pipelines.search.test_nodes import MEASURE, NETWORK

SPACE = "nasbench201"
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"

SIZE = network_config(NETWORK)
SETTINGS = measure_settings(parse(MeasureConfig, MEASURE), SPACE, SIZE)
KNOWN = {"mine": describe_device(probe(SETTINGS), SETTINGS, "mine")}


def trained(channels: int) -> bytes:
    config = CandidateConfig(channels, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
    data = ImageSource().load()
    return TrainedNetworkFile.of(
        CELL, 0, train_candidate(CELL, 0, data, config), data, config
    ).to_bytes()


def test_networks_with_and_without_weights_are_measured(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert measure_winner(CELL, b"", "mine", KNOWN, SPACE, SIZE, MEASURE) > 0
        assert measure_winner(CELL, trained(2), "mine", KNOWN, SPACE, SIZE, MEASURE) > 0
    assert not caplog.records


def test_other_sizes_are_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert measure_winner(CELL, trained(3), "mine", KNOWN, SPACE, SIZE, MEASURE) > 0
    assert "was trained as NetworkConfig(channels=3" in caplog.text


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
        assert measure_winner(CELL, b"", device, KNOWN, SPACE, SIZE, MEASURE | change) > 0
    assert "another device than latency is predicted of" in caplog.text
    assert re.search(why, caplog.text)


def test_a_network_that_cannot_be_measured_is_an_error() -> None:
    with pytest.raises(MeasurementError, match="network found cannot be measured"):
        measure_winner("no cell", b"", "mine", KNOWN, SPACE, SIZE, MEASURE)
