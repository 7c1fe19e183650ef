"""Colours of the report: the colour-blind-safe set of Okabe & Ito, ink and grid.

Figures are drawn in these colours; the page replaces them by CSS variables of its light or dark
theme.
"""

from __future__ import annotations

__all__ = ["GRID", "INK", "OKABE_ITO", "SAMPLER_COLOURS"]

OKABE_ITO: dict[str, str] = {
    "blue": "#0072b2",
    "orange": "#e69f00",
    "green": "#009e73",
    "vermillion": "#d55e00",
    "purple": "#cc79a7",
    "sky": "#56b4e9",
}
"""Hexadecimal colour of each CSS variable, in the light theme."""

INK = "#0a0b0c"
"""Text and axes in a figure; becomes ``currentColor``."""
GRID = "#d0d1d2"
"""Grid lines in a figure; becomes ``var(--grid)``."""

SAMPLER_COLOURS: tuple[str, ...] = ("blue", "vermillion", "green", "purple", "orange", "sky")
"""Colours of samplers; the first is for the main search."""
