"""Accuracy against latency: the space, its Pareto front, the queries and the winner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from brpnas.report.palette import INK, OKABE_ITO
from brpnas.report.plots.ticks import log_axis
from brpnas.report.rounds import round_marks
from brpnas.report.svg import drawing, figure, to_svg
from brpnas.search.fronts import pareto_front

__all__ = ["Accuracies", "accuracies", "space_plot"]

_MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle": "^",
    "inverted_triangle": "v",
}
"""Matplotlib's name of each shape of a round."""


@dataclass(frozen=True)
class Accuracies:
    """Content of the accuracy-latency plot.

    Attributes:
        points: ``arch_id``, ``latency_ms``, ``accuracy``, ``front`` (bool), ``round`` (NaN if not
            queried).
        latency: Kind of latency, ``measured`` or ``predicted``.
        accuracy: ``test`` (mean over seeds) or ``validation`` (the answers of the search).
        left_out: Number of architectures with an accuracy but no such latency.
    """

    points: pd.DataFrame
    latency: str
    accuracy: str
    left_out: int


def accuracies(space: pd.DataFrame, history: pd.DataFrame, winner: str) -> Accuracies | None:
    """Collect the points: test accuracies if any are known, else the answers of the search.

    Latencies are measured if the winner and nine tenths of the rest have a measurement; the others
    are left out. Otherwise all are predicted. The two are never mixed.

    Args:
        space: ``arch_id``, ``predicted_latency_ms``, ``latency_ms``, ``test_accuracy``.
        history: Queries of the search.
        winner: ``arch_id`` of the chosen architecture.

    Returns:
        None if there is nothing to draw.
    """
    answers = history[history["status"] == "ok"].groupby("arch_id")
    points = space.drop_duplicates("arch_id").copy()
    kind = "test" if points["test_accuracy"].notna().any() else "validation"
    if kind == "test":
        points["accuracy"] = points["test_accuracy"].astype(np.float64)
    else:
        points["accuracy"] = points["arch_id"].map(answers["accuracy"].mean()).astype(np.float64)
    points = points.dropna(subset=["accuracy"])
    measured = points["latency_ms"].notna()
    enough = len(points) > 0 and measured.mean() >= 0.9
    latency = "measured" if enough and measured[points["arch_id"] == winner].all() else "predicted"
    column = "latency_ms" if latency == "measured" else "predicted_latency_ms"
    points["latency_ms"] = points[column].astype(np.float64)
    total = len(points)
    points = points.dropna(subset=["latency_ms"])
    if points.empty:
        return None
    points["front"] = pareto_front(np.column_stack([points["accuracy"], -points["latency_ms"]]))
    points["round"] = points["arch_id"].map(answers["round"].min())
    columns = ["arch_id", "latency_ms", "accuracy", "front", "round"]
    left_out = total - len(points)
    return Accuracies(points[columns].reset_index(drop=True), latency, kind, left_out)


def space_plot(
    shown: Accuracies, winner: str, limit_ms: float | None = None, metric: str = "accuracy"
) -> str:
    """Draw accuracy against latency.

    The axis of accuracies leaves out the lowest fifth of a large space.

    Args:
        shown: From `accuracies`.
        winner: ``arch_id`` of the chosen architecture.
        limit_ms: Upper limit of the latency, drawn as a line.
        metric: Metric for the labels: ``accuracy`` or ``balanced accuracy``.
    """
    points = shown.points
    x, y = points["latency_ms"].to_numpy(), 100 * points["accuracy"].to_numpy()
    floor = float(np.quantile(y, 0.2)) if len(y) > 100 else float(y.min())
    span = max(float(y.max()) - floor, 0.1)
    with drawing():
        drawn, axes = figure(7.6, 5.2)
        if points["round"].isna().any():
            axes.scatter(x, y, s=5, alpha=0.28, color="#8a8f98", linewidths=0, rasterized=True)
            axes.scatter([], [], s=18, color="#8a8f98", label="space")
        _front(axes, points)
        _queries(axes, points)
        if limit_ms is not None:
            axes.axvline(limit_ms, color=INK, dashes=(6, 3), linewidth=1.2)
            axes.annotate(
                f"limit {limit_ms:.3g} ms",
                (limit_ms, 1.015),
                xycoords=("data", "axes fraction"),
                ha="center",
            )
        _winner(axes, points[points["arch_id"] == winner])
        log_axis(axes, "x", x.min() * 0.95, max(x.max(), limit_ms or 0.0) * 1.05)
        axes.set_ylim(floor - 0.04 * span, float(y.max()) + 0.06 * span)
        axes.set_xlabel(f"{shown.latency} latency (ms)")
        axes.set_ylabel(
            f"mean test {metric} (%)" if shown.accuracy == "test" else f"validation {metric} (%)"
        )
        drawn.legend(loc="outside lower center", ncols=4)
        alt = (
            f"{shown.accuracy.capitalize()} {metric} against {shown.latency} latency of "
            f"{len(points)} architectures, {int(points['front'].sum())} of them on the Pareto "
            f"front, {int(points['round'].notna().sum())} queried."
        )
        return to_svg(drawn, "space", alt)


def _front(axes: Axes, points: pd.DataFrame) -> None:
    front = points[points["front"]].sort_values(["latency_ms", "accuracy"])
    axes.plot(
        front["latency_ms"],
        100 * front["accuracy"],
        drawstyle="steps-post",
        color=INK,
        linewidth=1.3,
        label="Pareto front",
    )


def _queries(axes: Axes, points: pd.DataFrame) -> None:
    for mark in round_marks(points["round"].to_numpy(np.float64)):
        rows = points[points["round"].isin(mark.rounds)]
        axes.scatter(
            rows["latency_ms"],
            100 * rows["accuracy"],
            s=24,
            marker=_MARKERS[mark.shape],
            color=OKABE_ITO[mark.colour],
            edgecolors=INK,
            linewidths=0.5,
            zorder=3,
            label=mark.label,
        )


def _winner(axes: Axes, row: pd.DataFrame) -> None:
    if row.empty:
        return
    axes.scatter(
        row["latency_ms"],
        100 * row["accuracy"],
        s=240,
        marker="*",
        color=OKABE_ITO["vermillion"],
        edgecolors=INK,
        linewidths=0.8,
        zorder=4,
        label="winner",
    )
