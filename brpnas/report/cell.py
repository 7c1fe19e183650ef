"""Drawing of an architecture as SVG: a NAS-Bench-201 cell, or the graph of any other space.

`cell_svg` returns a self-contained ``<svg>`` element. Its colours are CSS variables with fallbacks:
it follows the page's light or dark theme and also works alone.
"""

from __future__ import annotations

import math
from xml.sax.saxutils import escape

from brpnas.graphs import View
from brpnas.report.graph import graph_svg
from brpnas.report.palette import OKABE_ITO
from brpnas.spaces import DEFAULT_SPACE, NasBench201, SearchSpace, get_space
from brpnas.spaces.nasbench201.cell import EDGES, OPERATIONS, from_string, live_edges

__all__ = ["OPERATION_LABELS", "cell_svg"]

OPERATION_LABELS: dict[str, str] = {
    "none": "none",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv 1×1",
    "nor_conv_3x3": "conv 3×3",
    "avg_pool_3x3": "avg pool 3×3",
}
"""Label of each operation."""

_COLOURS = {
    "skip_connect": "green",
    "nor_conv_1x1": "purple",
    "nor_conv_3x3": "blue",
    "avg_pool_3x3": "orange",
}
_WIDTH, _HEIGHT, _RADIUS = 640, 420, 27
_NODES = ((45.0, 175.0), (320.0, 45.0), (320.0, 305.0), (595.0, 175.0))
_ARC = (320.0, 600.0)  # control point of 0->3, below node 2
_VIEWS: tuple[View, View] = ("raw", "pruned")
_NODE_NAMES = ("input", "", "", "output")
_Point = tuple[float, float]


def cell_svg(arch_id: str, space: SearchSpace | str = DEFAULT_SPACE) -> str:
    """Draw an architecture.

    A cell of NAS-Bench-201 has nodes 0 to 3 and an edge per operation; `none` is dashed and faint,
    an operation on no path from input to output is faint. Of other spaces the graph of the raw view
    is drawn, see `brpnas.report.graph.graph_svg`.

    Args:
        arch_id: The architecture.
        space: The space or its name.

    Returns:
        A well-formed ``<svg>`` element with a text alternative.

    Raises:
        ArchitectureError: If the string is not an architecture of the space.
    """
    known = get_space(space)
    if not isinstance(known, NasBench201):
        raw, pruned = (known.encode([arch_id], view)[0] for view in _VIEWS)
        return graph_svg(raw, known.vocabulary, pruned=pruned)
    codes = from_string(arch_id)
    edges = list(zip(EDGES, codes, live_edges(codes), strict=True))
    text = ", ".join(f"{s} to {t} {OPERATION_LABELS[OPERATIONS[c]]}" for (s, t), c, _ in edges)
    lines = [_edge(s, t, OPERATIONS[c], live) for (s, t), c, live in edges]
    labels = [_label(s, t, OPERATIONS[c], live) for (s, t), c, live in edges]
    nodes = [_node(i) for i in range(len(_NODES))]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'class="cell" font-family="inherit" aria-label="{escape(f"Cell of 4 nodes: {text}")}">'
        + "".join(lines + labels + nodes)
        + "</svg>"
    )


def _colour(operation: str) -> str:
    name = _COLOURS.get(operation)
    return f"var(--{name}, {OKABE_ITO[name]})" if name else "currentColor"


def _control(source: int, target: int) -> _Point:
    """Control point of the edge's quadratic curve; the middle of the line if it is straight."""
    if (source, target) == (0, 3):
        return _ARC
    (x1, y1), (x2, y2) = _NODES[source], _NODES[target]
    return (x1 + x2) / 2, (y1 + y2) / 2


def _towards(start: _Point, aim: _Point, distance: float) -> _Point:
    dx, dy = aim[0] - start[0], aim[1] - start[1]
    length = math.hypot(dx, dy)
    return start[0] + dx / length * distance, start[1] + dy / length * distance


def _edge(source: int, target: int, operation: str, live: bool) -> str:
    control = _control(source, target)
    start = _towards(_NODES[source], control, _RADIUS)
    tip = _towards(_NODES[target], control, _RADIUS + 2)
    base = _towards(_NODES[target], control, _RADIUS + 16)
    (tx, ty), (bx, by) = tip, base
    nx, ny = (ty - by) / 2, (bx - tx) / 2
    style = f'class="edge {operation}" style="color: {_colour(operation)}"'
    if not live:
        style += ' opacity="0.4"'
    dash = ' stroke-dasharray="5 8"' if operation == "none" else ""
    width = 2 if operation == "none" else 4
    return (
        f"<g {style}><title>{source} to {target}: {operation}</title>"
        f'<path d="M{start[0]:.1f} {start[1]:.1f}Q{control[0]:.1f} {control[1]:.1f} '
        f'{bx:.1f} {by:.1f}" fill="none" stroke="currentColor" stroke-width="{width}"{dash}/>'
        f'<path d="M{tx:.1f} {ty:.1f}L{bx + nx:.1f} {by + ny:.1f}L{bx - nx:.1f} {by - ny:.1f}Z" '
        'fill="currentColor"/></g>'
    )


def _label(source: int, target: int, operation: str, live: bool) -> str:
    (x1, y1), (cx, cy), (x2, y2) = _NODES[source], _control(source, target), _NODES[target]
    x, y = (x1 + 2 * cx + x2) / 4, (y1 + 2 * cy + y2) / 4
    text = OPERATION_LABELS[operation]
    width = 11 * len(text) + 20
    border = (
        f'stroke="currentColor" style="color: {_colour(operation)}" '
        f'stroke-opacity="{1 if live else 0.4}" stroke-width="2"'
    )
    return (
        f'<rect x="{x - width / 2:.1f}" y="{y - 17:.1f}" width="{width}" height="34" rx="17" '
        f'fill="var(--surface, #ffffff)" {border}/>'
        f'<text x="{x:.1f}" y="{y + 6.5:.1f}" text-anchor="middle" font-size="19" '
        f'fill="currentColor" fill-opacity="{1 if live else 0.7}">{text}</text>'
    )


def _node(index: int) -> str:
    x, y = _NODES[index]
    name = _NODE_NAMES[index]
    caption = (
        f'<text x="{x:.1f}" y="{y - _RADIUS - 11:.1f}" text-anchor="middle" font-size="18" '
        f'fill="currentColor">{name}</text>'
        if name
        else ""
    )
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="var(--surface, #ffffff)" '
        'stroke="currentColor" stroke-width="2.5"/>'
        f'<text x="{x:.1f}" y="{y + 8:.1f}" text-anchor="middle" font-size="23" '
        f'font-weight="600" fill="currentColor">{index}</text>{caption}'
    )
