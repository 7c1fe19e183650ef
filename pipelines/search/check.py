"""What measures an architecture before a search asks it, as the parameters ask for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd

from brpnas.datasets.schemas import MIN_LATENCY_MS
from brpnas.devices import Device
from brpnas.errors import TaskError
from brpnas.fanout import Engine
from brpnas.measure import MeasureSettings, not_believed, time_cell
from brpnas.search import LatencyCheck, Measure, TableLatency
from brpnas.spaces.network import NetworkConfig
from pipelines.config import MeasureConfig, SearchConfig
from pipelines.measuring import measure_settings
from pipelines.search.task import measures_first, parsed, upper_margin
from pipelines.search.winner import measuring_device

__all__ = ["device_check", "table_check"]


def table_check(
    config: SearchConfig, constraints: Sequence[str], latency_predictions: pd.DataFrame
) -> LatencyCheck | None:
    """Looks up what was measured before; None if that is not asked for, or latency has no limit."""
    if config.latency != "table" or not measures_first(config, constraints):
        return None
    known = latency_predictions.dropna(subset=["latency_ms"])[["arch_id", "latency_ms"]]
    latency = dict(zip(known["arch_id"], known["latency_ms"].astype(float), strict=True))
    digest = int(pd.util.hash_pandas_object(known, index=False).sum())
    return _check(config, constraints, latency_predictions, TableLatency(latency), f"{digest:x}")


def device_check(
    config: SearchConfig,
    constraints: Sequence[str],
    latency_predictions: pd.DataFrame,
    known_devices: Mapping[str, Device],
    space: str,
    network: NetworkConfig,
    measure: MeasureConfig,
    engine: Engine,
) -> LatencyCheck | None:
    """Measures on this machine or where `measure` measures; None if that is not asked for.

    If what measures is another device than the latency is predicted of, a warning says so.
    """
    if config.latency != "device" or not measures_first(config, constraints):
        return None
    settings = measure_settings(measure, space, network)
    device = str(latency_predictions["device"].iloc[0])
    measuring_device(device, known_devices, settings, engine)
    digest = hashlib.sha256(f"{device} {settings}".encode()).hexdigest()[:16]
    return _check(config, constraints, latency_predictions, _OnDevice(settings, engine), digest)


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


def _check(
    config: SearchConfig,
    constraints: Sequence[str],
    latency_predictions: pd.DataFrame,
    measure: Measure,
    source: str,
) -> LatencyCheck:
    margin = upper_margin(latency_predictions, config)
    source = f"{config.latency} {source}"
    limits = tuple(parsed(constraints))
    return LatencyCheck(limits, measure, margin, source, config.measurements_per_query)
