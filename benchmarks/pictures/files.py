"""An ``<svg>`` element of the report as a separate file with the report's colours."""

from __future__ import annotations

import html
import re
from importlib.resources import files
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["alt_text", "describe", "panels", "write"]

_SIZE = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_ALT = re.compile(r'aria-label="([^"]*)"')
_SCALE = 1.25
"""Pixels of a page for each unit of the drawing."""
_COLOURS = re.compile(r"(?:@media[^{]*\{\s*)?:root \{[^}]*\}(?:\s*\})?")
_FONT = "text { font-family: system-ui, 'Segoe UI', Roboto, Arial, sans-serif !important; }"


def panels(width: float, height: float, rows: int, columns: int) -> tuple[Figure, list[Axes]]:
    """Make a figure of several panels, row by row. Call inside `drawing`."""
    drawn = Figure(figsize=(width, height), layout="constrained")
    return drawn, list(drawn.subplots(rows, columns, squeeze=False).flat)


def alt_text(svg: str) -> str:
    """What the picture says of itself."""
    found = _ALT.search(svg)
    return html.unescape(found[1]) if found else ""


def describe(svg: str, alt: str) -> str:
    """The same picture with another text alternative."""
    return _ALT.sub(lambda _: f'aria-label="{html.escape(alt)}"', svg, count=1)


def write(svg: str, path: Path) -> None:
    """Write the element as a file that follows the colour scheme of the page that shows it.

    Args:
        svg: What `brpnas.report.svg.to_svg` returned.
        path: File to write; its folder is created.
    """
    style = (files("brpnas.report") / "templates" / "style.css").read_text("utf-8")
    rules = "\n".join([*_COLOURS.findall(style), "svg { color: var(--text); }", _FONT])
    size = _SIZE.search(svg)
    width, height = (round(_SCALE * float(side)) for side in size.groups()) if size else (640, 400)
    svg = re.sub("<svg", f'<svg width="{width}" height="{height}"', svg, count=1)
    svg = re.sub(r"(<svg\b[^>]*>)", rf"\1\n<style>\n{rules}\n</style>", svg, count=1)
    svg = re.sub(r"[ \t]+$", "", svg, flags=re.MULTILINE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg + "\n", "utf-8")
