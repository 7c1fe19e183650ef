"""Metrics with their units, and their text with a device."""

from __future__ import annotations

import pickle

import pytest

from brpnas.datasets import COMPUTED, LATENCY, MEASURED, METRICS, DeviceMetric
from brpnas.devices.catalogue import NAME_PATTERN
from brpnas.errors import ConfigurationError, UnknownNameError


def test_measured_and_computed_metrics_are_disjoint() -> None:
    assert set(MEASURED) == {"latency_ms", "energy_mj", "peak_memory_mib"}
    assert set(COMPUTED) == {"params_m", "flops_m", "file_kib", "activation_kib"}
    assert {**MEASURED, **COMPUTED} == METRICS
    assert all(name == metric.name for name, metric in METRICS.items())
    assert set(MEASURED) <= set(LATENCY.columns)


def test_names_end_in_their_unit_and_kinds_drop_it() -> None:
    for metric in METRICS.values():
        assert metric.name.endswith(f"_{metric.unit.lower()}")
        assert metric.least < metric.most
    assert MEASURED["energy_mj"].bounds == ("lower_mj", "upper_mj")
    assert [MEASURED[name].kind for name in MEASURED] == ["latency", "energy", "peak_memory"]


@pytest.mark.parametrize("text", ["latency_ms", "energy_mj@edge-box", "params_m", "latency_ms@1.b"])
def test_text_is_read_and_written(text: str) -> None:
    found = DeviceMetric.parse(text)
    assert str(found) == text
    assert DeviceMetric.parse(f" {text} ") == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.measured == (not text.startswith("params"))
    assert found.about.name == found.metric


def test_the_device_of_the_task_is_dropped_or_written_out() -> None:
    own, other = DeviceMetric.parse("latency_ms@phone"), DeviceMetric.parse("latency_ms@box")
    bare = DeviceMetric.parse("latency_ms")
    assert own.relative_to("phone") == bare == bare.relative_to("phone")
    assert other.relative_to("phone") == other
    assert bare.on("phone") == own == own.on("box")
    assert DeviceMetric("params_m").on("phone") == DeviceMetric("params_m")


def test_they_have_an_order() -> None:
    texts = ["energy_mj", "energy_mj@b", "latency_ms", "latency_ms@a", "latency_ms@b"]
    assert [str(each) for each in sorted(map(DeviceMetric.parse, reversed(texts)))] == texts


def test_an_unknown_metric_suggests_a_known_one() -> None:
    with pytest.raises(UnknownNameError, match=r"'latency'.* 'latency_ms'\?.*peak_memory_mib"):
        DeviceMetric.parse("latency@my-phone")


@pytest.mark.parametrize("text", ["latency_ms@", "latency_ms@a b", "latency_ms@a@b", "energy_mj@-"])
def test_a_malformed_device_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"latency_ms@my-phone"):
        DeviceMetric.parse(text)


@pytest.mark.parametrize("metric", COMPUTED)
def test_a_computed_metric_has_no_device(metric: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{metric}.* {metric}@my-phone"):
        DeviceMetric.parse(f"{metric}@my-phone")


def test_names_of_devices_are_those_of_the_catalogue() -> None:
    from brpnas.datasets import metrics  # noqa: PLC0415

    assert metrics._DEVICE.pattern == NAME_PATTERN.strip("^$")
