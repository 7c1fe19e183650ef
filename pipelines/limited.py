"""Sources of metrics, as the parameters name them: checked without reading any table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from brpnas.datasets.metrics import LATENCY_MS
from brpnas.errors import ConfigurationError
from brpnas.search.limits import Limits, Source, sources_of

__all__ = ["check_sources", "measures_on_device", "spending"]


def measures_on_device(limits: Mapping[str, Any]) -> bool:
    """Whether the parameters `search.limits` name the device as a source."""
    source = limits["source"]
    return "device" in (source.values() if isinstance(source, Mapping) else [source])


def spending(oracle: str, limits: Mapping[str, Any]) -> list[str]:
    """Parameters by which a search trains or measures networks, with their values.

    Args:
        oracle: The parameter `search.oracle.name`.
        limits: The parameters `search.limits`.
    """
    return [
        f"search.{name} is {json.dumps(value)}"
        for name, value, spends in (
            ("oracle.name", oracle, oracle in {"train", "file"}),
            ("limits.source", limits["source"], measures_on_device(limits)),
        )
        if spends
    ]


def check_sources(
    limits: Limits, source: Source | Mapping[str, Source], device: str
) -> dict[str, Source]:
    """Sources of the limited metrics and the costs, by metric; without the predicted ones.

    Args:
        limits: The limits.
        source: The parameter `search.limits.source`.
        device: Device of the task.

    Raises:
        ConfigurationError: If a source is of another metric, or a metric cannot be measured during
            a search.
    """
    found = sources_of(source, limits.measurable, device)
    for name, value in found.items():
        if value == "device" and name != LATENCY_MS:
            raise ConfigurationError(
                f"A search measures {LATENCY_MS} on the device of the task and nothing else, but "
                f"search.limits.source asks for {name} from the device. Give each metric its "
                f"source: search.limits.source: {{{LATENCY_MS}: device, {name}: predicted}}, or "
                "table for one that tables hold."
            )
    return found
