"""Measuring the network found, trained or not, in the sizes that the predictor knows."""

from __future__ import annotations

import logging

import pytest

from brpnas.candidates import CandidateConfig, ImageSource, TrainedNetworkFile, train_candidate
from pipelines.search.winner import measure_winner
from tests.pipelines.search.test_nodes import MEASURE

CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"


def trained(channels: int) -> bytes:
    config = CandidateConfig(channels, cells_per_stage=1, stages=2, epochs=1, batch_size=256)
    data = ImageSource().load()
    return TrainedNetworkFile.of(
        CELL, 0, train_candidate(CELL, 0, data, config), data, config
    ).to_bytes()


def test_networks_with_and_without_weights_are_measured(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert measure_winner(CELL, b"", MEASURE) > 0
        assert measure_winner(CELL, trained(2), MEASURE) > 0
    assert "trained as" not in caplog.text


def test_other_sizes_are_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert measure_winner(CELL, trained(3), MEASURE) > 0
    assert "was trained as NetworkConfig(channels=3" in caplog.text
