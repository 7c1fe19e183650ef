"""Measured values that replace predictions of costs."""

from __future__ import annotations

from brpnas.search.fronts.objectives import Known
from brpnas.search.history import History

__all__ = ["known_values"]


def known_values(known: Known, history: History) -> Known:
    """Measured values by metric and architecture, with those measured in the search."""
    found = {name: dict(values) for name, values in known.items()}
    for arch_id, measurement in history.measurements.items():
        for name, value in measurement.values.items():
            found.setdefault(name, {})[arch_id] = value
    return found
