"""Latency measurements of a search: of proposals before their query, and of the result."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from brpnas.datasets import stated_precision
from brpnas.datasets.schemas import MIN_LATENCY_MS
from brpnas.devices import Device, load_devices
from brpnas.errors import MeasurementError, TaskError
from brpnas.fanout import Engine, get_engine
from brpnas.measure import (
    MeasureSettings,
    check_name,
    describe_device,
    not_believed,
    probe,
    time_cell,
)
from brpnas.search import LatencyFilter, Limits, TableLatency
from pipelines.config import TimingConfig, parse
from pipelines.measuring import measure_settings
from pipelines.search.found import Networks
from pipelines.search.settings import SearchSettings
from pipelines.search.sizes import latency_size

__all__ = ["Measuring", "set_up_measuring"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measuring:
    """The device of the predictions, and the settings and place of measurements.

    Attributes:
        limits: Limits of the search.
        predicted: Networks of the latency predictions.
        catalogue: Devices measured here.
        settings: Settings of a measurement.
        scheduler: Address of a Dask scheduler; None for this machine.
    """

    limits: Limits
    predicted: Networks
    catalogue: Mapping[str, Device]
    settings: MeasureSettings
    scheduler: str | None

    @property
    def on_device(self) -> bool:
        """Whether proposals are measured on a device, not looked up."""
        return self.limits.measures and self.limits.latency == "device"

    @contextmanager
    def opened(self) -> Iterator[tuple[Engine, str]]:
        """The measuring engine and its device: the predictions' device, or a description."""
        with get_engine(scheduler=self.scheduler) as engine:
            yield engine, self._device(engine)

    @contextmanager
    def latency_filter(self) -> Iterator[LatencyFilter | None]:
        """The filter of the search; None without measurements before a query."""
        if self.on_device:
            with self.opened() as (engine, _):
                words = f"{self.predicted.device} {self.settings}"
                digest = hashlib.sha256(words.encode()).hexdigest()[:16]
                measure = _OnDevice(self.settings, engine)
                yield LatencyFilter(measure, f"device {digest}")
        else:
            yield self.table_filter

    @property
    def table_filter(self) -> LatencyFilter | None:
        """The filter by known latencies; None with other limits."""
        if not self.limits.measures or self.limits.latency != "table":
            return None
        measure = TableLatency(self.limits.table_ms)
        return LatencyFilter(measure, f"table {self.limits.table_sha256}")

    def _device(self, engine: Engine) -> str:
        device = self.predicted.device
        here = describe_device(probe(self.settings, engine), self.settings, device)
        try:
            if device not in self.catalogue:
                raise MeasurementError(f"No networks were measured here on {device!r}.")
            check_name(here, self.catalogue)
        except MeasurementError as error:
            _log.warning(
                "Latencies are measured on another device than the predicted %r, so the two do not "
                "compare. %s",
                *(device, error),
            )
            return f"{here.hardware}, {here.runtime}"
        return device


@dataclass(frozen=True)
class _OnDevice:
    """Measures architectures with initialised weights."""

    settings: MeasureSettings
    engine: Engine

    def __call__(self, arch_ids: Sequence[str]) -> Iterator[tuple[str, float | TaskError | None]]:
        timed = partial(time_cell, settings=self.settings)
        for arch_id, outcome in self.engine.run(timed, list(arch_ids)):
            if isinstance(outcome, TaskError):
                yield arch_id, outcome
            elif outcome.latency_ms < MIN_LATENCY_MS:
                yield arch_id, not_believed(outcome.latency_ms)
            else:
                yield arch_id, outcome.latency_ms


def set_up_measuring(
    settings: SearchSettings,
    limits: Limits,
    latency_predictions: pd.DataFrame,
    catalogue: Mapping[str, Device],
    timing: Mapping[str, Any],
) -> Measuring:
    """Check the parameters of `timing`, and look up the device of the predictions.

    Args:
        settings: Parameters of the search.
        limits: Its limits.
        latency_predictions: Predictions of `train`, with the measured latencies of the device.
        catalogue: Devices measured here.
        timing: Parameters of `timing`.

    Raises:
        ConfigurationError: If a parameter is unknown, missing or out of range.
    """
    config, space = parse(TimingConfig, timing), settings.space
    device = str(latency_predictions["device"].iloc[0])
    entry = catalogue.get(device) or load_devices().get(device)
    precision = stated_precision(latency_predictions) or (entry.precision if entry else None)
    runtime = entry.runtime if entry else None
    return Measuring(
        limits,
        Networks(latency_size(latency_predictions, space), device, precision, runtime),
        catalogue,
        measure_settings(config, space, settings.network),
        config.scheduler,
    )
