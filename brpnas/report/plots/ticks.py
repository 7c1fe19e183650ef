"""Axes of latencies."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

__all__ = ["log_axis", "log_ticks"]

_MOST = 7


def log_ticks(low: float, high: float) -> list[float]:
    """Round values between two bounds for a logarithmic axis.

    Args:
        low: Lower bound, above 0.
        high: Upper bound.

    Returns:
        The densest sequence of at most seven: 1-2-5, 1-3 or 1 per decade, or sparser.
    """
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        ticks = [
            float(f"{step * 10.0**decade:.3g}")
            for decade in decades
            for step in steps
            if low <= step * 10.0**decade <= high
        ]
        if len(ticks) <= _MOST:
            return ticks
    return ticks[:: -(-len(ticks) // _MOST)]


def log_axis(axes: Axes, which: str, low: float, high: float) -> None:
    """Make one axis logarithmic from ``low`` to ``high`` with plain numbers as labels."""
    axis: Axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)
    axis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
