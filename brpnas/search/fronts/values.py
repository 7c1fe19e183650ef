"""Measured values that replace predictions of costs."""

from __future__ import annotations

from brpnas.datasets.metrics import LATENCY_MS
from brpnas.search.fronts.objectives import Known
from brpnas.search.history import History

__all__ = ["known_values"]


def known_values(known: Known, history: History) -> Known:
    """Measured values, and the latencies measured in the search."""
    measured = {
        arch_id: measurement.latency_ms
        for arch_id, measurement in history.measurements.items()
        if measurement.latency_ms is not None
    }
    return {**known, LATENCY_MS: {**known.get(LATENCY_MS, {}), **measured}}
