"""Matplotlib figures as inline SVG in the page's theme.

`figure` makes an empty figure without pyplot; `to_svg` turns it into an ``<svg>`` element without
size or date, with unique identifiers and CSS variables as colours. Equal figures give equal text.
Draw inside ``with drawing():``, which sets the style and restores matplotlib's settings.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from brpnas.report.palette import GRID, INK, OKABE_ITO

__all__ = ["drawing", "figure", "to_svg"]

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "brpnas",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "lines.linewidth": 1.8,
    "path.simplify": True,
}
_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_RASTER_DPI = 200
"""Resolution of rasterised parts of a figure: 2.8 pixels per unit."""


@contextmanager
def drawing() -> Iterator[None]:
    """Apply the report's drawing style, independent of the user's matplotlib settings."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def figure(width: float = 5.6, height: float = 3.9) -> tuple[Figure, Axes]:
    """Make a figure of one panel, in inches of 72 units."""
    drawn = Figure(figsize=(width, height), layout="constrained")
    return drawn, drawn.add_subplot()


def to_svg(drawn: Figure, name: str, alt: str) -> str:
    """Turn a figure into an ``<svg>`` element for an HTML page. Call inside `drawing`.

    Args:
        drawn: The figure.
        name: Prefix of its identifiers; unique on the page.
        alt: Text alternative.
    """
    buffer = io.StringIO()
    drawn.savefig(buffer, format="svg", dpi=_RASTER_DPI, metadata=_METADATA)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r'(?<=\sid=")', f"{name}-", text)
    text = re.sub(r'(?<=xlink:href="#)|(?<=url\(#)', f"{name}-", text)
    text = text.replace(INK, "currentColor").replace(GRID, "var(--grid)")
    for colour, code in OKABE_ITO.items():
        text = text.replace(code, f"var(--{colour})")
    head = re.compile(r'(<svg\b[^>]*?)\swidth="[^"]*"|(<svg\b[^>]*?)\sheight="[^"]*"')
    for _ in range(2):
        text = head.sub(lambda m: m.group(1) or m.group(2), text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label={quoteattr(alt)}', 1)
