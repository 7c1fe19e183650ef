from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from brpnas.graphs import ArchGraph
from brpnas.report.graph import graph_svg, operation_label
from brpnas.spaces import NasBench201
from tests.report.samples import SVG, WINNER, parse_svg, svg_texts

SPACE = NasBench201()
VOCABULARY = ("blank", "global", "input", "output", "sep_conv_3x3", "skip", "reduce_sep_conv_3x3")


def graph(ops: list[int], *edges: tuple[int, int]) -> ArchGraph:
    """With a global node in front and self-loops, as spaces make them."""
    size = len(ops) + 1
    adj = np.eye(size, dtype=np.int8)
    adj[0] = 1
    for source, target in edges:
        adj[source + 1, target + 1] = 1
    return ArchGraph(np.array([1, *ops], np.int8), adj)


def titles(root: ElementTree.Element) -> list[str]:
    found = [g for g in root.iter(f"{SVG}g") if g.get("class") == "edge"]
    return sorted(str(g.findtext(f"{SVG}title")) for g in found)


@pytest.mark.parametrize(
    ("name", "label"),
    [("sep_conv_3x3", "sep conv 3×3"), ("conv3", "conv3"), ("x-large", "x large"), ("7x7", "7×7")],
)
def test_operation_label(name: str, label: str) -> None:
    assert operation_label(name) == label


@pytest.mark.parametrize("arch_id", [WINNER, *SPACE.sample(np.random.default_rng(0), 5)])
def test_every_node_and_edge_is_drawn_without_global_node_and_loops(arch_id: str) -> None:
    raw = SPACE.to_graph(arch_id)
    root = parse_svg(graph_svg(raw, SPACE.vocabulary))
    labels = [operation_label(SPACE.vocabulary[op]) for op in raw.ops]
    assert sorted(svg_texts(root)) == sorted(labels[1:])
    inner = raw.adj[1:, 1:] - np.diag(np.diag(raw.adj[1:, 1:]))
    expected = [f"{labels[i + 1]} to {labels[j + 1]}" for i, j in np.argwhere(inner)]
    assert titles(root) == sorted(expected)


def test_boxes_lie_inside_the_picture_and_labels_inside_their_boxes() -> None:
    root = parse_svg(graph_svg(SPACE.to_graph(WINNER), SPACE.vocabulary))
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    (moved,) = (g.get("transform") or "" for g in root.iter(f"{SVG}g") if g.get("transform"))
    dx, dy = map(float, re.findall(r"[\d.]+", moved))
    seen = []
    for node in root.iter(f"{SVG}g"):
        if node.get("class") == "node":
            rect, text = node.find(f"{SVG}rect"), node.find(f"{SVG}text")
            assert rect is not None
            assert text is not None
            x, y, w, h = (float(rect.get(k, "")) for k in ("x", "y", "width", "height"))
            assert x + dx >= 0
            assert y + dy >= 0
            assert x + w + dx <= width
            assert y + h + dy <= height
            assert w >= 8 * len(text.text or "")
            seen.append((x, y, x + w, y + h))
    assert len(seen) == 8
    for a, b in itertools.combinations(seen, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def faint(root: ElementTree.Element) -> list[str | None]:
    return [
        g.findtext(f"{SVG}text")
        for g in root.iter(f"{SVG}g")
        if g.get("class") == "node" and g.get("opacity")
    ]


def test_what_the_pruned_view_lacks_is_faint() -> None:
    raw, pruned = SPACE.to_graph(WINNER), SPACE.to_graph(WINNER, "pruned")
    root = parse_svg(graph_svg(raw, SPACE.vocabulary, pruned=pruned))
    assert sorted(map(str, faint(root))) == ["avg pool 3×3", "none", "none", "skip connect"]
    assert faint(parse_svg(graph_svg(raw, SPACE.vocabulary))) == []


def test_views_that_are_not_aligned_make_nothing_faint() -> None:
    raw = graph([2, 5, 4, 3], (0, 1), (1, 2), (2, 3))
    moved = graph([2, 4, 3, 0], (0, 1), (1, 2))
    assert faint(parse_svg(graph_svg(raw, VOCABULARY, pruned=moved))) == []
    shorter = graph([2, 4, 3], (0, 1), (1, 2))
    assert faint(parse_svg(graph_svg(raw, VOCABULARY, pruned=shorter))) == []


def test_parts_are_one_below_the_other_and_a_common_word_is_the_heading() -> None:
    two = graph([2, 4, 3, 2, 6, 3], (0, 1), (1, 2), (3, 4), (4, 5))
    root = parse_svg(graph_svg(two, VOCABULARY))
    parts = [g.get("transform") or "" for g in root.iter(f"{SVG}g") if g.get("transform")]
    tops = [float(re.findall(r"[\d.]+", moved)[1]) for moved in parts]
    assert len(tops) == 2
    assert tops[1] > tops[0] + 34
    labels = svg_texts(root)
    assert labels == [
        "input",
        "sep conv 3×3",
        "output",
        "reduce",
        "input",
        "sep conv 3×3",
        "output",
    ]


def test_a_first_word_without_which_there_is_no_operation_is_no_heading() -> None:
    one = graph([2, 4, 3], (0, 1), (1, 2))
    labels = svg_texts(parse_svg(graph_svg(one, VOCABULARY)))
    assert labels == ["input", "sep conv 3×3", "output"]


def test_operations_have_different_looks() -> None:
    names = ("blank", "global", "input", "output", *(f"op{i}" for i in range(12)))
    drawn = graph([2, *range(4, 16), 3], *((i, i + 1) for i in range(13)))
    rects = [
        (rect.get("style"), rect.get("stroke-dasharray"))
        for rect in parse_svg(graph_svg(drawn, names)).iter(f"{SVG}rect")
        if rect.get("style")
    ]
    assert len(rects) == 14
    assert len(set(rects)) == 13, "input and output alike, each operation in its own way"


def test_text_is_escaped_and_the_alternative_names_every_edge() -> None:
    names = ("blank", "global", "input", "output", '<b>"&')
    text = graph_svg(graph([2, 4, 3], (0, 1), (1, 2)), names, title="Chain")
    root = parse_svg(text)
    assert '<b>"&' in svg_texts(root)
    assert root.get("aria-label") == 'Chain of 3 nodes: 0 input to 1 <b>"&, 1 <b>"& to 2 output'
