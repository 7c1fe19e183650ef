"""Stability of the machine during a measurement: drift of a reference network."""

from __future__ import annotations

import logging
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brpnas.errors import MeasurementError
from brpnas.spaces import DEFAULT_SPACE, get_space, size_of

__all__ = ["REFERENCE", "Drift", "reference_cell", "warn_of_drift"]

REFERENCE = (
    "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|nor_conv_3x3~1|none~2|"
)
"""Cell of NAS-Bench-201 with medium cost, measured repeatedly."""
_DRAWN = 25

_log = logging.getLogger(__name__)


def reference_cell(space: str) -> str:
    """Cell of a space whose network is measured repeatedly; always the same cell.

    NAS-Bench-201: `REFERENCE`. Other spaces: the cell of median multiply-adds among a few random
    ones, or the first of them if the space has no costs.

    Args:
        space: Name of the space.
    """
    if space == DEFAULT_SPACE:
        return REFERENCE
    known = get_space(space)
    drawn = known.sample(np.random.default_rng(0), min(_DRAWN, size_of(known)))
    _, flops = known.cost(drawn)
    costs = sorted((cost, arch_id) for cost, arch_id in zip(flops.tolist(), drawn, strict=True))
    return drawn[0] if math.isnan(sum(flops)) else costs[len(costs) // 2][1]


@dataclass(frozen=True)
class Drift:
    """Spread of repeated measurements of one network.

    Args:
        references: Number of measurements.
        median_ms: Their median.
        max_drift: Largest ``|latency / median - 1|``, a fraction.
        median_drift: Median of ``|latency / median - 1|``.
    """

    references: int
    median_ms: float
    max_drift: float
    median_drift: float

    @classmethod
    def of(cls, latencies_ms: Sequence[float]) -> Drift:
        """Drift of repeated measurements, in ms.

        Raises:
            MeasurementError: If there is none.
        """
        if not latencies_ms:
            raise MeasurementError("The reference network was never measured.")
        median = statistics.median(latencies_ms)
        apart = [abs(latency / median - 1) for latency in latencies_ms]
        return cls(len(latencies_ms), median, max(apart), statistics.median(apart))


def warn_of_drift(drift: Drift, limit: float, store: Path) -> bool:
    """Log a warning and return true if the drift exceeds the limit.

    Args:
        drift: Drift of the reference network.
        limit: Largest allowed drift, a fraction.
        store: File of the measurements; the warning says to delete it before measuring again.
    """
    if drift.max_drift <= limit:
        return False
    _log.warning(
        "The reference network's latency varied by up to %.0f %% (limit %.0f %%) around %.3f ms: "
        "something else ran on this machine, or its clock changed. The latencies are as measured, "
        "not corrected. For better ones delete %s, let the machine rest and measure again.",
        100 * drift.max_drift,
        100 * limit,
        drift.median_ms,
        store,
    )
    return True
