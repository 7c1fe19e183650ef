from __future__ import annotations

import itertools
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from brpnas.errors import ArchitectureError
from brpnas.report import cell_svg
from brpnas.report.cell import OPERATION_LABELS
from brpnas.spaces.nasbench201 import EDGES, OPERATIONS, NasBench201, from_string, to_string
from tests.report.samples import SVG, WINNER, parse_svg, svg_texts


def edges(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [g for g in root.iter(f"{SVG}g") if (g.get("class") or "").startswith("edge ")]


def boxes(root: ElementTree.Element) -> list[tuple[float, float, float, float]]:
    """Label boxes and nodes as left, top, right, bottom."""
    found = []
    for rect in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(rect.get(k, "")) for k in ("x", "y", "width", "height"))
        found.append((x, y, x + w, y + h))
    for circle in root.iter(f"{SVG}circle"):
        x, y, r = (float(circle.get(k, "")) for k in ("cx", "cy", "r"))
        found.append((x - r, y - r, x + r, y + r))
    return found


@pytest.mark.parametrize("arch_id", NasBench201().sample(np.random.default_rng(0), 30))
def test_every_edge_is_drawn_and_labelled_by_its_operation(arch_id: str) -> None:
    root = parse_svg(cell_svg(arch_id))
    codes = from_string(arch_id)
    titles = [edge.findtext(f"{SVG}title") for edge in edges(root)]
    expected = [f"{s} to {t}: {OPERATIONS[c]}" for (s, t), c in zip(EDGES, codes, strict=True)]
    assert titles == expected
    labels = [text for text in svg_texts(root) if text in OPERATION_LABELS.values()]
    assert labels == [OPERATION_LABELS[OPERATIONS[c]] for c in codes]


def test_nodes_are_named() -> None:
    texts = svg_texts(parse_svg(cell_svg(WINNER)))
    assert [text for text in texts if text.isdigit()] == ["0", "1", "2", "3"]
    assert {"input", "output"} <= set(texts)


@pytest.mark.parametrize("code", range(5))
def test_labels_and_nodes_do_not_overlap_and_lie_inside(code: int) -> None:
    root = parse_svg(cell_svg(to_string([code] * 6)))
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    found = boxes(root)
    assert len(found) == 10
    for left, top, right, bottom in found:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    for a, b in itertools.combinations(found, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_none_is_dashed_and_faint_and_only_none_is_dashed() -> None:
    for edge, code in zip(edges(parse_svg(cell_svg(WINNER))), from_string(WINNER), strict=True):
        line = edge.find(f"{SVG}path")
        assert line is not None
        assert (line.get("stroke-dasharray") is not None) == (OPERATIONS[code] == "none")
        if OPERATIONS[code] == "none":
            assert edge.get("opacity") == "0.4"


def test_dead_operations_are_faint() -> None:
    arch_id = "|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
    faint = [edge.get("opacity") is not None for edge in edges(parse_svg(cell_svg(arch_id)))]
    assert faint == [True, True, True, False, True, True]


def test_different_operations_have_different_colours() -> None:
    colours = {
        edge.get("style")
        for code in range(5)
        for edge in edges(parse_svg(cell_svg(to_string([code] * 6))))
    }
    assert len(colours) == 5


def test_text_alternative_names_every_edge() -> None:
    label = parse_svg(cell_svg(WINNER)).get("aria-label") or ""
    assert "0 to 1 conv 3×3" in label
    assert len(re.findall(r"\d to \d", label)) == 6


@pytest.mark.parametrize("text", ["", "<script>", "|nor_conv_3x3~0|"])
def test_not_a_cell(text: str) -> None:
    with pytest.raises(ArchitectureError):
        cell_svg(text)


def test_of_another_space_the_graph_is_drawn(repository: Path) -> None:
    chain = str(repository / "docs/examples/chain_space.py")
    texts = svg_texts(parse_svg(cell_svg("conv3-sep3w-skip-conv5-squeeze", chain)))
    assert {"input", "conv3", "sep3w", "skip", "conv5", "squeeze", "output"} <= set(texts)
    assert cell_svg(WINNER, NasBench201()) == cell_svg(WINNER)
    with pytest.raises(ArchitectureError):
        cell_svg(WINNER, chain)
