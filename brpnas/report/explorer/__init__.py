"""The Pareto explorer of the report: an interactive plot, a limit to move, and the best within it.

`explored` collects the points of a `brpnas.report.ReportData`, `explorer_page` makes them and the
plot into text for the page. The plot is drawn by BokehJS, which the package ``bokeh`` carries and
the page holds inline: it draws on a canvas, needs no ``eval`` and no network. The scripts in
``templates/explorer`` add what a canvas lacks: keyboard, screen readers, limit and lists.
"""

from brpnas.report.explorer.axes import Axis, axis_of
from brpnas.report.explorer.document import ExplorerPage, explorer_page
from brpnas.report.explorer.points import Explored, explored

__all__ = ["Axis", "Explored", "ExplorerPage", "axis_of", "explored", "explorer_page"]
