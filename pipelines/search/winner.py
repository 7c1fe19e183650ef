"""Latencies of the architecture found, as the search knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from brpnas.search import chosen
from pipelines.latencies import Latency, Networks
from pipelines.search.measuring import Measuring
from pipelines.search.settings import SearchSettings
from pipelines.search.sizes import answering_sizes

__all__ = ["WinnerLatencies", "winner_latencies"]


@dataclass(frozen=True)
class WinnerLatencies:
    """The architecture found, and latencies of its networks.

    Attributes:
        arch_id: The architecture.
        predicted: Its predicted latency.
        known: Its measured latency, from a table or from the search; None if not measured.
        accuracy_sizes: Sizes of the networks with the answered accuracies, if known.
    """

    arch_id: str
    predicted: Latency
    known: Latency | None
    accuracy_sizes: Sequence[str]


def winner_latencies(
    settings: SearchSettings, history: pd.DataFrame, measuring: Measuring, accuracy: pd.DataFrame
) -> WinnerLatencies:
    """Latencies of the architecture found.

    Args:
        settings: Parameters of the search.
        history: All queries.
        measuring: Settings and place of measurements.
        accuracy: The answers of the oracle ``table``.

    Raises:
        MeasurementError: If the device of the measurements cannot be reached.
    """
    arch_id = chosen(history)
    row = history[history["arch_id"] == arch_id].iloc[0]
    asked = None if pd.isna(row["latency_ms"]) else float(row["latency_ms"])
    predicted = Latency(float(row["predicted_latency_ms"]), measuring.predicted)
    known_ms = asked if asked is not None else measuring.known_ms.get(arch_id)
    known = None if known_ms is None else Latency(known_ms, measuring.predicted)
    if known is not None and measuring.on_device and asked is not None:
        runtime = measuring.settings.runtime
        with measuring.opened() as (_, here):
            of = Networks(settings.network.size, here, runtime.precision, runtime.title)
        known = Latency(known.ms, of)
    sizes = answering_sizes(settings.search.oracle, accuracy, settings.dataset, settings.space)
    return WinnerLatencies(arch_id, predicted, known, sizes)
