"""Latencies of the architecture found and of the front's members, as the search knows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from brpnas.search import chosen
from pipelines.latencies import Latency, Networks
from pipelines.search.measuring import Measuring
from pipelines.search.objectives import front_of, front_table
from pipelines.search.settings import SearchSettings
from pipelines.search.sizes import answering_sizes

__all__ = ["FoundLatencies", "found_latencies"]


@dataclass(frozen=True)
class FoundLatencies:
    """An architecture of the front, and latencies of its networks.

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


def found_latencies(
    settings: SearchSettings, history: pd.DataFrame, measuring: Measuring, accuracy: pd.DataFrame
) -> list[FoundLatencies]:
    """Latencies of the members of the front, the chosen architecture first.

    Args:
        settings: Parameters of the search.
        history: All queries.
        measuring: Settings and place of measurements.
        accuracy: The answers of the oracle ``table``.

    Raises:
        MeasurementError: If the device of the measurements cannot be reached.
    """
    members = front_table(history, front_of(settings, history))["arch_id"]
    rows = history.drop_duplicates("arch_id").set_index("arch_id")
    names = list(dict.fromkeys([chosen(history), *members]))
    sizes = answering_sizes(settings.search.oracle, accuracy, settings.dataset, settings.space)
    asked = rows.loc[names, "latency_ms"].astype(float).dropna().to_dict()
    of_asked = measuring.predicted
    if measuring.on_device and asked:
        runtime = measuring.settings.runtime
        with measuring.opened() as (_, here):
            of_asked = Networks(settings.network.size, here, runtime.precision, runtime.title)
    found = []
    for name in names:
        predicted = Latency(float(rows.loc[name, "predicted_latency_ms"]), measuring.predicted)
        known = None
        if name in asked:
            known = Latency(asked[name], of_asked)
        elif name in measuring.known_ms:
            known = Latency(measuring.known_ms[name], measuring.predicted)
        found.append(FoundLatencies(name, predicted, known, sizes))
    return found
