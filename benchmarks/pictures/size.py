"""Seconds and memory against size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from benchmarks.anchors import Results
from benchmarks.pictures.files import panels
from brpnas.report.palette import OKABE_ITO
from brpnas.report.svg import drawing, to_svg

__all__ = ["scale"]

_PANELS = (
    ("ranking", "threads", "cells ranked", "{} thread(s)"),
    ("training", "ranker", "training cells", "{}"),
    ("devices", None, "known devices", "prior"),
)
_COLOURS = [OKABE_ITO[name] for name in ("blue", "vermillion", "green")]


def scale(results: Results) -> str:
    """Draw seconds (above) and peak memory (below) against each size."""
    result = results["scale"]
    with drawing():
        drawn, axes = panels(11.5, 5.5, 2, 4)
        for column, (part, key, label, legend) in enumerate(_PANELS):
            for row, (value, unit) in enumerate((("seconds", "seconds"), ("peak_mb", "peak, MiB"))):
                panel = axes[4 * row + column]
                _lines(panel, result[part], key, value, legend)
                panel.set(xlabel=label, ylabel=unit)
        for row, (value, unit) in enumerate(
            (("speed_up", "speed-up"), ("efficiency", "efficiency"))
        ):
            panel = axes[4 * row + 3]
            _workers(panel, result["workers"], value)
            panel.set(xlabel="processes", ylabel=unit)
        largest = max(result["ranking"], key=lambda row: (row["size"], row["threads"]))
        alt = (
            f"Seconds and memory against size: {largest['size']:,} cells are ranked in "
            f"{largest['seconds']:.1f} s within {largest['peak_mb']:,} MiB."
        )
        return to_svg(drawn, "scale", alt)


def _lines(
    axes: Axes, rows: Sequence[Mapping[str, Any]], key: str | None, value: str, legend: str
) -> None:
    kinds = list(dict.fromkeys(row[key] for row in rows)) if key else [None]
    for kind, colour in zip(kinds, _COLOURS, strict=False):
        own = [row for row in rows if key is None or row[key] == kind]
        sizes, heights = [row["size"] for row in own], [row[value] for row in own]
        axes.plot(sizes, heights, "o-", markersize=4, color=colour, label=legend.format(kind))
    axes.set_xscale("log" if max(row["size"] for row in rows) > 100 else "linear")
    axes.set_yscale("log" if value == "seconds" else "linear")
    if value != "seconds":
        axes.set_ylim(bottom=0)
    axes.legend()


def _workers(axes: Axes, rows: Sequence[Mapping[str, Any]], value: str) -> None:
    for part, colour in zip(dict.fromkeys(row["part"] for row in rows), _COLOURS, strict=False):
        own = [row for row in rows if row["part"] == part]
        workers, heights = [row["workers"] for row in own], [row[value] for row in own]
        axes.plot(workers, heights, "o-", markersize=4, color=colour, label=part)
    axes.set_ylim(bottom=0)
    axes.legend()
