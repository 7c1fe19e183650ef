"""Latency measurements of a search: of proposals before their query."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd

from brpnas.datasets import stated_precision
from brpnas.datasets.metrics import LATENCY_MS
from brpnas.datasets.schemas import MIN_LATENCY_MS
from brpnas.devices import Device, load_devices
from brpnas.errors import TaskError
from brpnas.measure import MeasureSettings, Target, not_believed, time_cells
from brpnas.search import Limits, MetricFilter, TableMetrics
from pipelines.config import TimingConfig, parse
from pipelines.latencies import Networks
from pipelines.latency_size import latency_size
from pipelines.measuring import TimingSetup, measure_settings
from pipelines.predicted import task_device, task_rows
from pipelines.search.settings import SearchSettings

__all__ = ["Measuring", "set_up_measuring"]


@dataclass(frozen=True)
class Measuring:
    """The device of the predictions, and the settings and place of measurements.

    Attributes:
        limits: Limits of the search.
        predicted: Networks of the latency predictions.
        catalogue: Devices measured here.
        timing: Settings and place of a measurement.
        known_ms: Latencies that tables know of the device of the task, by architecture.
    """

    limits: Limits
    predicted: Networks
    catalogue: Mapping[str, Device]
    timing: TimingSetup
    known_ms: Mapping[str, float]

    @property
    def settings(self) -> MeasureSettings:
        """Settings of a measurement."""
        return self.timing.settings

    @property
    def on_device(self) -> bool:
        """Whether proposals are measured on a device, not only looked up."""
        return "device" in self.limits.sources.values()

    @property
    def is_here(self) -> bool:
        """Whether a measurement runs on this machine."""
        return self.timing.is_here

    @contextmanager
    def opened(self) -> Iterator[tuple[Target, str]]:
        """The target and its device: the predictions' device, or a description."""
        with self.timing.open_target() as target:
            device = self.predicted.device
            yield target, self.timing.device_there(target, device, self.catalogue)

    @contextmanager
    def metric_filter(self) -> Iterator[MetricFilter | None]:
        """The filter of the search; None without measurements before a query."""
        if self.on_device:
            with self.opened() as (target, _):
                words = f"{self.predicted.device} {self.settings} {target.name}"
                digest = hashlib.sha256(words.encode()).hexdigest()[:16]
                measure = _OnDevice(self.settings, target, self._table)
                source = f"device {digest} table {self.limits.table_sha256}"
                yield MetricFilter(measure, source)
        else:
            yield self.table_filter

    @property
    def table_filter(self) -> MetricFilter | None:
        """The filter by tables; None if nothing is looked up, or a device is measured too."""
        if not self.limits.measures or self.on_device:
            return None
        return MetricFilter(self._table, f"table {self.limits.table_sha256}")

    @property
    def _table(self) -> TableMetrics:
        return TableMetrics(self.limits.looked_up)


@dataclass(frozen=True)
class _OnDevice:
    """Measures the latency of architectures with initialised weights, and looks up the rest."""

    settings: MeasureSettings
    target: Target
    table: TableMetrics

    def __call__(
        self, arch_ids: Sequence[str]
    ) -> Iterator[tuple[str, Mapping[str, float] | TaskError]]:
        known = dict(self.table(arch_ids))
        for arch_id, outcome in time_cells(arch_ids, self.settings, self.target):
            if isinstance(outcome, TaskError):
                yield arch_id, outcome
            elif outcome.latency_ms < MIN_LATENCY_MS:
                yield arch_id, not_believed(outcome.latency_ms)
            else:
                yield arch_id, {**known[arch_id], LATENCY_MS: outcome.latency_ms}


def set_up_measuring(
    settings: SearchSettings,
    limits: Limits,
    predictions: pd.DataFrame,
    catalogue: Mapping[str, Device],
    timing: Mapping[str, Any],
) -> Measuring:
    """Check the parameters of `timing`, and look up the device of the predictions.

    Args:
        settings: Parameters of the search.
        limits: Its limits.
        predictions: Predictions of `train`, with the measured latencies of the device.
        catalogue: Devices measured here.
        timing: Parameters of `timing`.

    Raises:
        ConfigurationError: If a parameter is unknown, missing or out of range.
    """
    config, space = parse(TimingConfig, timing), settings.space
    own = task_rows(predictions)
    device = task_device(own)
    entry = catalogue.get(device) or load_devices().get(device)
    precision = stated_precision(own) or (entry.precision if entry else None)
    runtime = entry.runtime if entry else None
    measured = measure_settings(config, space, settings.network)
    return Measuring(
        limits,
        Networks(latency_size(own, space), device, precision, runtime),
        catalogue,
        TimingSetup.of(config, measured),
        own.dropna(subset="measured").set_index("arch_id")["measured"].to_dict(),
    )
