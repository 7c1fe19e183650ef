"""Drawing of the graph of any architecture as SVG.

`graph_svg` knows no search space: operations are codes with names. `brpnas.report.cell_svg` uses it
for spaces without their own drawing. Colours are CSS variables with fallbacks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import numpy.typing as npt

from brpnas.graphs import BLANK, GLOBAL, ArchGraph
from brpnas.report.layered import components, place
from brpnas.report.palette import OKABE_ITO

__all__ = ["graph_svg", "operation_label"]

_FONT, _LETTER = 16, 8.6
_HEIGHT, _PADDING = 34.0, 13.0
_GAP = (50.0, 16.0)
_MARGIN, _BETWEEN, _HEADING = 8.0, 40.0, 28.0
_TIP = 9.0
_FIRST = 4
_ENDS = ("input", "output")
_Point = tuple[float, float]


def operation_label(name: str) -> str:
    """Label of an operation: ``sep_conv_3x3`` becomes ``sep conv 3×3``."""
    return re.sub(r"(?<=\d)x(?=\d)", "×", name.replace("_", " ").replace("-", " ")).strip()


def graph_svg(
    graph: ArchGraph,
    vocabulary: Sequence[str],
    *,
    pruned: ArchGraph | None = None,
    title: str = "Architecture",
) -> str:
    """Draw a graph from left to right.

    Parts joined only by the global node are drawn one below the other. A first word common to all
    operations of a part, as in a reduction cell, becomes the heading of the part if the rest of
    each name is an operation too.

    Args:
        graph: Any view of an architecture, drawn without global node, self-loops and blanks.
        vocabulary: Name of each operation code.
        pruned: Its pruned view. With nodes at the same places, removed nodes are faint.
        title: Start of the text alternative.

    Returns:
        A well-formed ``<svg>`` element with a text alternative.
    """
    nodes = np.flatnonzero((graph.ops != BLANK) & (graph.ops != GLOBAL))
    adj = graph.adj[np.ix_(nodes, nodes)].astype(bool) & ~np.eye(len(nodes), dtype=bool)
    names = [vocabulary[int(op)] for op in graph.ops[nodes]]
    faint = _gone(graph, pruned)[nodes]
    body: list[str] = []
    top, width = _MARGIN, 0.0
    for part in components(adj):
        word = _common_word([names[i] for i in part], vocabulary)
        if word:
            body.append(_heading(word.strip("_-"), top))
            top += _HEADING
        drawn = [_Node(names[i].removeprefix(word), vocabulary, bool(faint[i])) for i in part]
        placed = place(adj[np.ix_(part, part)], [2 * n.half for n in drawn], _HEIGHT, _GAP)
        body.append(f'<g transform="translate({_MARGIN:g} {top:.1f})">')
        body += [_edge(route, drawn[i], drawn[j]) for (i, j), route in placed.routes.items()]
        body += [node.svg(at) for node, at in zip(drawn, placed.centres, strict=True)]
        body.append("</g>")
        top += placed.height + _BETWEEN
        width = max(width, placed.width)
    height = max(top - _BETWEEN, 0.0) + _MARGIN
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {width + 2 * _MARGIN:.0f} {height:.0f}" role="img" class="cell" '
        f'font-family="inherit" font-size="{_FONT}" aria-label={_alternative(title, names, adj)}>'
        + "".join(body)
        + "</svg>"
    )


def _common_word(names: Sequence[str], vocabulary: Sequence[str]) -> str:
    """Common first word of a part's operations, with its separator; empty if there is none."""
    found = {re.split(r"(?<=[_-])", n, maxsplit=1)[0] for n in names if n not in _ENDS}
    word = found.pop() if len(found) == 1 else ""
    known = all(n.removeprefix(word) in vocabulary for n in names)
    return word if word.endswith(("_", "-")) and known else ""


def _heading(text: str, top: float) -> str:
    return (
        f'<text x="{_MARGIN:g}" y="{top + _FONT:.1f}" font-weight="600" fill="currentColor">'
        f"{escape(text)}</text>"
    )


def _alternative(title: str, names: Sequence[str], adj: npt.NDArray[np.bool_]) -> str:
    named = [f"{number} {operation_label(name)}" for number, name in enumerate(names)]
    edges = [f"{named[i]} to {named[j]}" for i, j in np.argwhere(adj).tolist()]
    return quoteattr(f"{title} of {len(names)} nodes: {', '.join(edges) or 'no edges'}")


def _gone(graph: ArchGraph, pruned: ArchGraph | None) -> npt.NDArray[np.bool_]:
    """Mask of nodes blanked by the pruned view; all false if its nodes are at other places."""
    nothing = np.zeros(len(graph.ops), bool)
    if pruned is None or pruned.ops.shape != graph.ops.shape:
        return nothing
    blank = pruned.ops == BLANK
    aligned = bool((blank | (pruned.ops == graph.ops)).all())
    return blank & (graph.ops != BLANK) if aligned else nothing


class _Node:
    """A box with a label; ends of the graph are round and without colour."""

    def __init__(self, name: str, vocabulary: Sequence[str], faint: bool) -> None:
        self.label, self.faint, self.end = operation_label(name), faint, name in _ENDS
        self.half = len(self.label) * _LETTER / 2 + _PADDING
        self._cycle, at = divmod(vocabulary.index(name) - _FIRST, len(OKABE_ITO))
        colour, code = list(OKABE_ITO.items())[at]
        self._colour = "currentColor" if self.end else f"var(--{colour}, {code})"

    def svg(self, centre: _Point) -> str:
        """The box around a point."""
        x, y = centre
        opacity = ' opacity="0.45"' if self.faint else ""
        dash = ' stroke-dasharray="7 3"' if self._cycle % 2 and not self.end else ""
        box = (
            f'x="{x - self.half:.1f}" y="{y - _HEIGHT / 2:.1f}" width="{2 * self.half:.1f}" '
            f'height="{_HEIGHT:g}" rx="{_HEIGHT / 2 if self.end else 7:g}"'
        )
        return (
            f'<g class="node"{opacity}><rect {box} fill="var(--surface, #ffffff)"/>'
            f'<rect {box} style="color: {self._colour}" fill="currentColor" '
            f'fill-opacity="{0 if self.end else 0.14}" stroke="currentColor" '
            f'stroke-width="2.5"{dash}/>'
            f'<text x="{x:.1f}" y="{y + 5.5:.1f}" text-anchor="middle" fill="currentColor">'
            f"{escape(self.label)}</text></g>"
        )


def _edge(points: Sequence[_Point], source: _Node, target: _Node) -> str:
    """A curve with a tip at its end, level at each point."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    tip_x, tip_y = rest[-1]
    for next_x, next_y in [*rest[:-1], (tip_x - _TIP, tip_y)]:
        middle = (x + next_x) / 2
        path += f"C{middle:.1f} {y:.1f} {middle:.1f} {next_y:.1f} {next_x:.1f} {next_y:.1f}"
        x, y = next_x, next_y
    opacity = 0.3 if source.faint or target.faint else 0.6
    title = f"{source.label} to {target.label}"
    return (
        f'<g class="edge" opacity="{opacity}"><title>{escape(title)}</title>'
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="2"/>'
        f'<path d="M{tip_x:.1f} {tip_y:.1f}l-{_TIP:g} -{_TIP / 2:g}v{_TIP:g}Z" '
        'fill="currentColor"/></g>'
    )
