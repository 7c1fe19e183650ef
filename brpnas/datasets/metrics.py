"""Metrics of a network with their units: measured on a device, or computed from the network.

`METRICS` lists them. `DeviceMetric` is a metric on a device, written ``latency_ms@my-phone``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from brpnas.errors import ConfigurationError, UnknownNameError, shown

__all__ = [
    "COMPUTED",
    "LATENCY_MS",
    "MEASURED",
    "MEASURED_PATTERN",
    "METRICS",
    "DeviceMetric",
    "Metric",
]

LATENCY_MS = "latency_ms"
"""Name of the metric in every table of a device."""
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXAMPLES = "latency_ms or latency_ms@my-phone"


@dataclass(frozen=True)
class Metric:
    """A metric of a network.

    Attributes:
        name: Name with the unit, ``latency_ms``; also the name of its column.
        title: Name for a reader, "Latency".
        unit: Unit for a reader, "ms".
        least: Lowest plausible value.
        most: Highest plausible value.
    """

    name: str
    title: str
    unit: str
    least: float
    most: float

    @property
    def bounds(self) -> tuple[str, str]:
        """Names of the ends of an interval, with the unit: ``lower_ms, upper_ms``."""
        unit = self.name.rpartition("_")[2]
        return f"lower_{unit}", f"upper_{unit}"

    @property
    def kind(self) -> str:
        """The name without unit: ``peak_memory``."""
        return self.name.rpartition("_")[0]


def _by_name(*metrics: Metric) -> Mapping[str, Metric]:
    return MappingProxyType({metric.name: metric for metric in metrics})


MEASURED = _by_name(
    Metric(LATENCY_MS, "Latency", "ms", 0.01, 1e5),
    Metric("energy_mj", "Energy", "mJ", 1e-3, 1e6),
    Metric("peak_memory_mib", "Peak memory", "MiB", 1e-3, 2.0**20),
)
"""Metrics that are measured on a device and predicted: energy is of one run, memory of its process.
A latency below 0.01 ms is impossible, but occurs in published tables."""
COMPUTED = _by_name(
    Metric("params_m", "Parameters", "M", 0.0, 1e6),
    Metric("flops_m", "Multiply-adds", "M", 0.0, 1e9),
    Metric("file_kib", "File size", "KiB", 0.0, 1e9),
    Metric("activation_kib", "Live activations", "KiB", 0.0, 1e9),
)
"""Metrics that are computed for the network of a search; equal on all devices."""
MEASURED_PATTERN = f"^({'|'.join(MEASURED)})$"
"""Pattern of the name of a measured metric, in the metadata of a file."""
METRICS: Mapping[str, Metric] = MappingProxyType({**MEASURED, **COMPUTED})
"""All metrics by name."""


@dataclass(frozen=True)
class DeviceMetric:
    """A metric on a device; instances are in alphabetical order, and ``str`` writes them.

    Attributes:
        metric: Name of the metric, one of `METRICS`.
        device: Name of the device; None for the device of the task, and for computed metrics.

    Raises:
        UnknownNameError: If there is no such metric.
        ConfigurationError: If the device is malformed, or the metric is computed and has a device.

    Examples:
        >>> DeviceMetric.parse("energy_mj@edge-box")
        DeviceMetric(metric='energy_mj', device='edge-box')
        >>> str(DeviceMetric.parse("latency_ms@my-phone").relative_to("my-phone"))
        'latency_ms'
    """

    metric: str
    device: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise UnknownNameError("metric", self.metric, METRICS)
        if self.device is None:
            return
        if not _DEVICE.fullmatch(self.device):
            raise ConfigurationError(
                f"{shown(self.device)} after {self.metric}@ is not the name of a device: letters, "
                f"digits, '.', '_' and '-', a letter or digit first. Write {_EXAMPLES}."
            )
        if self.metric in COMPUTED:
            raise ConfigurationError(
                f"{self.metric} is computed from the network and equal on all devices: write "
                f"{self.metric} instead of {self}."
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``metric`` or ``metric@device``.

        Raises:
            UnknownNameError: If there is no such metric.
            ConfigurationError: If the device is malformed, or the metric is computed and has a
                device.
        """
        metric, at, device = text.strip().partition("@")
        return cls(metric, device if at else None)

    def __str__(self) -> str:
        return self.metric if self.device is None else f"{self.metric}@{self.device}"

    def __lt__(self, other: DeviceMetric) -> bool:
        return (self.metric, self.device or "") < (other.metric, other.device or "")

    @property
    def about(self) -> Metric:
        """The metric itself, with its unit."""
        return METRICS[self.metric]

    @property
    def measured(self) -> bool:
        """Whether the metric is measured on a device; else it is computed."""
        return self.metric in MEASURED

    def relative_to(self, device: str) -> Self:
        """The same without the device of the task."""
        return type(self)(self.metric) if self.device == device else self

    def on(self, device: str) -> Self:
        """The same with a device: that of the task if none is named; computed ones have none."""
        return self if self.device or not self.measured else type(self)(self.metric, device)
