"""The explorer as text for the page: the plot as a Bokeh document, the data, the scripts."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import asdict, dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from markupsafe import Markup

from brpnas.report.explorer.points import LEADERS, Explored
from brpnas.report.rounds import round_marks

__all__ = ["ExplorerPage", "explorer_page"]

_SCRIPTS = ("points.js", "plot.js", "explorer.js")
_HEIGHT = 460


@dataclass(frozen=True)
class ExplorerPage:
    """Parts of the page.

    Attributes:
        library: BokehJS.
        script: The scripts of the explorer, one module.
        data: JSON of the points.
        plot: JSON of the plot without points.
        architectures: Number of points.
        left_out: Number of architectures that were left out.
    """

    library: Markup
    script: Markup
    data: Markup
    plot: Markup
    architectures: int
    left_out: int


def explorer_page(shown: Explored, winner: str) -> ExplorerPage:
    """Make the parts of the page; equal points give equal text.

    Args:
        shown: Points and axes.
        winner: ``arch_id`` of the chosen architecture.
    """
    from bokeh.resources import Resources  # noqa: PLC0415 - only this page needs it

    folder = files("brpnas.report") / "templates" / "explorer"
    (library,) = Resources(mode="inline", components=["bokeh"]).js_raw[:1]
    return ExplorerPage(
        library=_script(library),
        script=_script("".join((folder / name).read_text("utf-8") for name in _SCRIPTS)),
        data=_json(_data(shown, winner)),
        plot=_json(_plot()),
        architectures=len(shown.points),
        left_out=shown.left_out,
    )


def _data(shown: Explored, winner: str) -> dict[str, Any]:
    points = shown.points
    names = json.dumps(points["arch_id"].astype(str).tolist()).encode()
    rounds = points["round"].to_numpy(np.float64)
    return {
        "names": _packed(names),
        "axes": [
            {
                "name": axis.name,
                "title": axis.title,
                "unit": axis.unit,
                "cost": axis.cost,
                "limit": shown.limits.get(axis.name),
                "values": _floats(points[axis.name].to_numpy() * (1 if axis.cost else 100)),
            }
            for axis in shown.axes
        ],
        "x": shown.x,
        "y": shown.y,
        "rounds": _floats(rounds),
        "marks": [asdict(mark) for mark in round_marks(rounds)],
        "winner": _first(points["arch_id"] == winner),
        "knee": _first(points["knee"]),
        "members": np.flatnonzero(points["member"]).tolist(),
        "leaders": LEADERS,
    }


def _packed(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode()


def _floats(values: npt.NDArray[np.float64]) -> str:
    """Little-endian float64: the page writes the same digits as its tables."""
    return _packed(np.ascontiguousarray(values, "<f8").tobytes())


def _first(mask: pd.Series[bool]) -> int | None:
    """Position of the first True."""
    return int(mask.to_numpy().argmax()) if mask.any() else None


def _plot() -> dict[str, Any]:
    """The plot as a Bokeh document without points; the scripts fill its sources by name."""
    from bokeh.embed import json_item  # noqa: PLC0415
    from bokeh.models import (  # noqa: PLC0415
        BasicTickFormatter,
        BoxAnnotation,
        BoxZoomTool,
        ColumnDataSource,
        Grid,
        LinearAxis,
        Plot,
        Range1d,
        Scatter,
        Span,
        Step,
        Toolbar,
    )

    plot = Plot(
        name="plot",
        x_range=Range1d(0, 1),
        y_range=Range1d(0, 1),
        height=_HEIGHT,
        sizing_mode="stretch_width",
        toolbar=Toolbar(tools=[BoxZoomTool(name="zoom")], active_drag=None),
        toolbar_location=None,
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color=None,
        min_border_right=16,
    )
    for side in ("below", "left"):
        axis = LinearAxis(
            name=side,
            formatter=BasicTickFormatter(use_scientific=False),
            axis_label_text_font_style="normal",
            axis_label_text_font="system-ui, sans-serif",
            major_label_text_font="system-ui, sans-serif",
            axis_label_text_font_size="14px",
            major_label_text_font_size="13px",
            minor_tick_line_color=None,
        )
        plot.add_layout(axis, side)
        plot.add_layout(Grid(name=f"grid {side}", axis=axis, dimension=int(side == "left")))
    shapes = {
        "space": Scatter(size=4, line_color=None, fill_alpha=0.35),
        "front": Step(mode="after", line_width=1.6),
        "queried": Scatter(size=8, marker={"field": "shape"}, fill_color={"field": "colour"}),
        "members": Scatter(size=13, fill_color=None, line_width=1.4),
        "leaders": Scatter(size=13, fill_color=None, line_width=1.8),
        "knee": Scatter(size=15, marker="hex", line_width=0.8),
        "winner": Scatter(size=19, marker="star", line_width=0.8),
        "selected": Scatter(size=20, fill_color=None, line_width=3),
    }
    for name, glyph in shapes.items():
        columns = ("x", "y", "shape", "colour") if name == "queried" else ("x", "y")
        source = ColumnDataSource({column: [] for column in columns}, name=f"{name} source")
        plot.add_glyph(source, glyph, name=name)
    plot.add_layout(BoxAnnotation(name="beyond", fill_alpha=0.6, line_color=None))
    plot.add_layout(Span(name="limit", dimension="height", line_dash="dashed", line_width=1.5))
    return _renumbered(dict(json_item(plot, "explorer-plot")))


def _renumbered(item: dict[str, Any]) -> dict[str, Any]:
    """The same with identifiers from 1: Bokeh counts up in a process."""
    text = json.dumps(item)
    known: dict[str, str] = {}
    text = re.sub(r'"p\d+"', lambda m: known.setdefault(m[0], f'"p{len(known) + 1}"'), text)
    return dict(json.loads(text))


def _script(text: str) -> Markup:
    """Text for a script element."""
    if "</script" in text or "<!--" in text:
        raise ValueError("The script holds text that ends a script element of a page.")
    return Markup(text)


def _json(content: dict[str, Any]) -> Markup:
    """JSON for a script element."""
    text = json.dumps(content, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))
