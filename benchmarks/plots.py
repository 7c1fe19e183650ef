"""The picture of docs/results.md: cost against size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brpnas.report.palette import OKABE_ITO

__all__ = ["draw_scale"]

_PANELS = (
    ("ranking", "threads", "cells ranked", "{} thread(s)"),
    ("training", "ranker", "training cells", "{}"),
    ("devices", None, "known devices", "prior"),
)
_COLOURS = [OKABE_ITO[name] for name in ("blue", "vermillion", "green")]
_STYLE = {"svg.fonttype": "none", "svg.hashsalt": "brpnas", "font.size": 9, "axes.grid": True}


def draw_scale(result: Mapping[str, Any], path: Path) -> None:
    """Draw seconds (above) and peak memory (below) against each size, and write an SVG file.

    Args:
        result: The JSON object of ``python -m benchmarks scale``.
        path: File to write; its folder is created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(11, 5.5), layout="constrained")
        axes = figure.subplots(2, 4, squeeze=False)
        for column, (part, key, label, legend) in enumerate(_PANELS):
            for row, (value, unit) in enumerate((("seconds", "seconds"), ("peak_mb", "peak, MiB"))):
                _lines(axes[row][column], result[part], key, value, legend)
                axes[row][column].set(xlabel=label, ylabel=unit)
        for row, (value, unit) in enumerate(
            (("speed_up", "speed-up"), ("efficiency", "efficiency"))
        ):
            _workers(axes[row][3], result["workers"], value)
            axes[row][3].set(xlabel="processes", ylabel=unit)
        no_date = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(path, format="svg", metadata=no_date)


def _lines(
    axes: Axes, rows: Sequence[Mapping[str, Any]], key: str | None, value: str, legend: str
) -> None:
    kinds = list(dict.fromkeys(row[key] for row in rows)) if key else [None]
    for kind, colour in zip(kinds, _COLOURS, strict=False):
        own = [row for row in rows if key is None or row[key] == kind]
        sizes, heights = [row["size"] for row in own], [row[value] for row in own]
        axes.plot(sizes, heights, "o-", color=colour, label=legend.format(kind))
    axes.set_xscale("log" if max(row["size"] for row in rows) > 100 else "linear")
    axes.set_yscale("log" if value == "seconds" else "linear")
    if value != "seconds":
        axes.set_ylim(bottom=0)
    axes.legend(frameon=False)


def _workers(axes: Axes, rows: Sequence[Mapping[str, Any]], value: str) -> None:
    for part, colour in zip(dict.fromkeys(row["part"] for row in rows), _COLOURS, strict=False):
        own = [row for row in rows if row["part"] == part]
        workers, heights = [row["workers"] for row in own], [row[value] for row in own]
        axes.plot(workers, heights, "o-", color=colour, label=part)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False)
