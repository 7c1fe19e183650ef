"""Quality of the predictor of a metric: predicted against measured, and the relative error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets.metrics import LATENCY_MS, METRICS
from brpnas.report.palette import INK, OKABE_ITO
from brpnas.report.plots.ticks import log_axis
from brpnas.report.svg import drawing, figure, to_svg

__all__ = ["error_histogram", "prediction_scatter"]

_BAND = 0.1
_WIDEST = 0.3
_Floats = npt.NDArray[np.float64]


def _columns(test: pd.DataFrame, metric: str) -> tuple[_Floats, _Floats]:
    return (
        test[metric].to_numpy(np.float64),
        test[f"predicted_{metric}"].to_numpy(np.float64),
    )


def prediction_scatter(test: pd.DataFrame, metric: str = LATENCY_MS, name: str = "scatter") -> str:
    """Draw predicted against measured values on two logarithmic axes with the ±10 % band.

    Rows outside of the band have another colour and shape. Points are translucent and rasterised,
    so that ten thousands of them stay small and show their density.

    Args:
        test: Test rows with ``latency_ms`` and ``predicted_latency_ms``, both above 0; the same of
            another metric.
        metric: The metric, such as ``latency_ms``.
        name: Name of the drawing on its page.
    """
    true, predicted = _columns(test, metric)
    known = METRICS[metric]
    quantity = known.title.lower()
    inside = np.abs(predicted / true - 1) <= _BAND
    low, high = min(true.min(), predicted.min()) * 0.93, max(true.max(), predicted.max()) * 1.07
    line = np.array([low, high])
    alpha = float(np.clip(800 / max(len(true), 1), 0.12, 0.8))
    with drawing():
        drawn, axes = figure(5.6, 5.0)
        axes.fill_between(
            line, line * (1 - _BAND), line * (1 + _BAND), color=INK, alpha=0.08, linewidth=0
        )
        axes.plot(line, line, color=INK, linewidth=0.9)
        style: dict[str, Any] = {"linewidths": 0, "rasterized": True}
        axes.scatter(
            true[inside], predicted[inside], s=7, alpha=alpha, color=OKABE_ITO["sky"], **style
        )
        axes.scatter(
            true[~inside],
            predicted[~inside],
            s=13,
            alpha=max(alpha, 0.5),
            color=OKABE_ITO["vermillion"],
            marker="^",
            **style,
        )
        axes.scatter([], [], s=26, color=OKABE_ITO["sky"], label=f"within ±10 % ({inside.sum():,})")
        axes.scatter(
            [],
            [],
            s=34,
            color=OKABE_ITO["vermillion"],
            marker="^",
            label=f"outside ({(~inside).sum():,})",
        )
        log_axis(axes, "x", low, high)
        log_axis(axes, "y", low, high)
        axes.set_aspect("equal")
        axes.set_xlabel(f"measured {quantity} ({known.unit})")
        axes.set_ylabel(f"predicted {quantity} ({known.unit})")
        axes.legend(loc="upper left")
        alt = (
            f"Predicted against measured {quantity} of {len(true)} test rows; "
            f"{int(inside.sum())} lie within 10 percent of the measurement."
        )
        return to_svg(drawn, name, alt)


def error_histogram(test: pd.DataFrame, metric: str = LATENCY_MS, name: str = "errors") -> str:
    """Draw the distribution of the relative error; the end bars include all beyond ±30 %.

    Args:
        test: Test rows with ``latency_ms`` and ``predicted_latency_ms``, both above 0; the same of
            another metric.
        metric: The metric, such as ``latency_ms``.
        name: Name of the drawing on its page.
    """
    true, predicted = _columns(test, metric)
    error = predicted / true - 1
    beyond = int((np.abs(error) > _WIDEST).sum())
    with drawing():
        drawn, axes = figure(5.6, 3.2)
        axes.axvspan(-100 * _BAND, 100 * _BAND, color=INK, alpha=0.08, linewidth=0)
        bins = np.linspace(-100 * _WIDEST, 100 * _WIDEST, 61)
        clipped = np.clip(100 * error, bins[0], bins[-1])
        axes.hist(
            clipped,
            bins=list(bins),
            weights=np.full(len(error), 100 / len(error)),
            color=OKABE_ITO["sky"],
        )
        axes.axvline(0, color=INK, linewidth=0.9)
        axes.set_xlim(bins[0], bins[-1])
        axes.set_xlabel("predicted / measured − 1 (%)")
        axes.set_ylabel("test rows (%)")
        alt = (
            f"Histogram of the relative error on {len(true)} test rows: median "
            f"{100 * float(np.median(error)):.1f} percent; {beyond} rows beyond 30 percent are "
            "counted in the outermost bars."
        )
        return to_svg(drawn, name, alt)
