"""Latencies of the architecture found, each with the networks that it belongs to."""

from __future__ import annotations

import logging
import re
from typing import Any

import pandas as pd
import pytest

from brpnas.devices import Device
from brpnas.measure import describe_device, probe
from brpnas.search import Limits
from pipelines.config import TimingConfig, parse
from pipelines.measuring import measure_settings
from pipelines.search.latencies import FoundLatencies, found_latencies
from pipelines.search.measuring import Measuring, set_up_measuring
from pipelines.search.settings import SearchSettings, read_settings
from tests.pipelines.parameters import changed
from tests.pipelines.search.stage import IMAGES, NETWORK, TIMING, search
from tests.pipelines.toys import SMALL

SPACE = "nasbench201"
CELL = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|"
INT8 = TIMING | {"precision": "int8"}


def known(params: dict[str, Any] = TIMING) -> dict[str, Device]:
    settings = measure_settings(parse(TimingConfig, params), SPACE, SMALL)
    return {"mine": describe_device(probe(settings), settings, "mine")}


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
    (warned,) = {r.getMessage() for r in caplog.records if r.name == "pipelines.measuring"}
    assert re.search(why, warned)


def predictions_of(device: str, precision: str | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arch_id": [CELL],
            "device": [device],
            "metric": ["latency_ms"],
            "measured": [0.02],
            "predicted": [0.02],
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
    values = changed(search(), changes)
    settings = read_settings(SPACE, "toys", ["latency_ms <= 1"], values, NETWORK, IMAGES)
    predictions = predictions_of(device, precision)
    given = settings.search.limits.model_dump()
    limits = Limits.from_predictions(
        ["latency_ms <= 1"], predictions, device=device, **{**given, "confidence": 0}
    )
    return settings, set_up_measuring(settings, limits, predictions, devices, measure)


def latencies(
    timing: dict[str, Any],
    devices: dict[str, Device],
    device: str = "mine",
    asked_ms: float | None = 0.02,
    precision: str | None = None,
    **changes: object,
) -> FoundLatencies:
    settings, measuring = set_up(timing, devices, device, precision, **changes)
    history = pd.DataFrame(
        {
            "query": [0],
            "arch_id": [CELL],
            "status": ["ok"],
            "accuracy": [0.5],
            "feasible": [True],
            "estimate": [float("nan")],
            "seed": [0],
            "predicted_latency_ms": [0.03],
            "latency_ms": [asked_ms],
        }
    )
    accuracy = pd.DataFrame({"dataset": ["toys"], "network_size": [SMALL.size]})
    (found,) = found_latencies(settings, history, measuring, accuracy)
    return found


def test_latencies_of_a_table_are_of_the_networks_of_the_predictions() -> None:
    found = latencies(INT8, known(INT8))
    assert (found.arch_id, found.accuracy_sizes) == (CELL, [SMALL.size])
    assert (found.predicted.ms, found.known and found.known.ms) == (0.03, 0.02)
    assert found.known is not None
    assert found.known.of == found.predicted.of
    assert (found.known.of.device, found.known.of.precision) == ("mine", "int8")
    assert found.known.of.runs_in == "onnxruntime"


def test_a_table_that_states_int8_goes_before_the_catalogue() -> None:
    for devices in ({}, known()):
        assert latencies(TIMING, devices, precision="int8").predicted.of.precision == "int8"
    assert latencies(TIMING, {}).predicted.of.precision is None, "nothing states it"


def test_what_was_measured_before_asking_is_of_what_measured_it() -> None:
    """Not of the device in the catalogue, which has the precision and the name of another."""
    embedded, device = "amd-epyc-onnxruntime-fp32-1t", {"limits": {"source": "device"}}
    found = latencies(INT8, {}, embedded, **device).known
    assert found is not None
    assert found.of.precision == "int8"
    assert found.of.runs_in == "onnxruntime"
    assert found.of.device not in {embedded, "mine"}
    mine = latencies(TIMING, known(), **device).known
    assert mine is not None
    assert (mine.ms, mine.of.device) == (0.02, "mine")
    looked_up = latencies(TIMING, known(), asked_ms=None, **device).known
    assert looked_up is not None
    assert looked_up.ms == 0.02
