"""The network found by a search: its file, and the latency of the file."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
from torch import nn

from brpnas.errors import MeasurementError
from brpnas.measure import MeasureSettings, OnnxRuntime, Target, time_file, time_module
from brpnas.search import chosen
from pipelines.config import ExportConfig, parse
from pipelines.delivered import network_module, network_onnx
from pipelines.search.found import PRECISION, Delivered, Latency, Networks
from pipelines.search.measuring import Measuring
from pipelines.search.settings import SearchSettings
from pipelines.search.sizes import answering_sizes

__all__ = ["DeliveredNetwork", "measure_network", "measure_winner"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeliveredNetwork:
    """The architecture found, its latencies, and the hash of its file.

    Attributes:
        arch_id: The architecture.
        latency: Latency of the network file, with the latencies from the search.
        sha256: Hash of the measured file; None if not measured.
    """

    arch_id: str
    latency: Delivered
    sha256: str | None


def measure_winner(
    settings: SearchSettings,
    history: pd.DataFrame,
    winner: bytes,
    measuring: Measuring,
    accuracy: pd.DataFrame,
    export: Mapping[str, Any],
) -> DeliveredNetwork:
    """Relate the network file to the networks of the search; measure it if configured.

    Args:
        settings: Parameters of the search.
        history: All queries.
        winner: The trained network (`brpnas.candidates.TrainedNetworkFile`), or nothing.
        measuring: Settings and place of measurements.
        accuracy: The answers of the oracle ``table``.
        export: Parameters of `export`; they decide the bytes of the file.

    Raises:
        MeasurementError: If the network cannot be measured.
    """
    config, size = settings.search, settings.network
    arch_id = chosen(history)
    row = history[history["arch_id"] == arch_id].iloc[0]
    asked = None if pd.isna(row["latency_ms"]) else float(row["latency_ms"])
    predicted = Latency(float(row["predicted_latency_ms"]), measuring.predicted)
    known_ms = asked if asked is not None else measuring.limits.table_ms.get(arch_id)
    known = None if known_ms is None else Latency(known_ms, measuring.predicted)
    measured_first = measuring.on_device and asked is not None
    measured, digest = None, None
    if config.report.measure_winner or measured_first:
        runtime = measuring.settings.runtime
        with measuring.opened() as (target, here):
            if known is not None and measured_first:
                of = Networks(size.size, here, runtime.precision, runtime.name)
                known = Latency(known.ms, of)
            if config.report.measure_winner:
                given = (arch_id, winner, settings.space, size, parse(ExportConfig, export))
                file, _ = network_onnx(*given)
                make = partial(network_module, *given)
                ms = measure_network(file, make, measuring.settings, target)
                measured = Latency(ms, Networks(size.size, here, PRECISION, runtime.name))
                digest = None if measured.of.in_torch else hashlib.sha256(file).hexdigest()
    sizes = answering_sizes(config.oracle, accuracy, settings.dataset, settings.space)
    delivered = Delivered(size, sizes, predicted, known, measured)
    for note in delivered.notes():
        _log.warning("%s", note)
    return DeliveredNetwork(arch_id, delivered, digest)


def measure_network(
    exported: bytes, module: Callable[[], nn.Module], settings: MeasureSettings, target: Target
) -> float:
    """Latency in ms of the network found, on the target of `measure`.

    ONNX Runtime times the exported file itself, at its own precision. Other runtimes time the
    network before its export.

    Args:
        exported: The ONNX file.
        module: Makes the network.
        settings: Settings of the measurement.
        target: Where to measure.

    Raises:
        MeasurementError: If the network cannot be measured.
    """
    try:
        if isinstance(settings.runtime, OnnxRuntime):
            return time_file(exported, settings, target).latency_ms
        return time_module(module(), settings.network.input_shape, settings, target).latency_ms
    except MeasurementError as error:
        raise MeasurementError(f"The network found was not measured. {error}") from error
