"""Sources of limited metrics in the parameters."""

from __future__ import annotations

from typing import Any

import pytest

from brpnas.errors import ConfigurationError
from brpnas.search import Limits
from pipelines.limited import check_sources, measures_on_device

LIMITS = Limits.parse(["latency_ms <= 5", "energy_mj@box <= 3", "params_m <= 2"], device="mine")


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("predicted", {}),
        ("device", {"latency_ms": "device"}),
        ("table", {"latency_ms": "table", "energy_mj@box": "table"}),
        ({"latency_ms@mine": "device", "energy_mj@box": "predicted"}, {"latency_ms": "device"}),
    ],
)
def test_each_limited_metric_has_a_source(source: Any, found: dict[str, str]) -> None:
    assert check_sources(LIMITS, source, "mine") == found
    assert measures_on_device({"source": source}) == ("device" in found.values())


def test_what_a_search_cannot_measure_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="asks for energy_mj@box"):
        check_sources(LIMITS, {"energy_mj@box": "device"}, "mine")
    own = Limits.parse(["energy_mj <= 5"])
    with pytest.raises(ConfigurationError, match="asks for energy_mj "):
        check_sources(own, "device", "mine")
    with pytest.raises(ConfigurationError, match="'latency_ms@box'"):
        check_sources(LIMITS, {"latency_ms@box": "table"}, "mine")
