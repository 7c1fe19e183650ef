from __future__ import annotations

import re

import matplotlib as mpl
import pytest

from brpnas.report.palette import GRID, INK, OKABE_ITO
from brpnas.report.svg import drawing, figure, to_svg
from tests.report.samples import parse_svg, svg_texts


def draw(name: str = "one", alt: str = "a line") -> str:
    with drawing():
        drawn, axes = figure()
        axes.plot([0, 1], [0, 1], marker="o", color=OKABE_ITO["blue"], label="a & <b>")
        axes.scatter([0, 1], [1, 0], rasterized=True)
        axes.legend()
        return to_svg(drawn, name, alt)


def test_is_well_formed_and_escaped() -> None:
    assert "a & <b>" in svg_texts(parse_svg(draw()))


def test_same_figure_same_text() -> None:
    assert draw() == draw()


def test_holds_no_date_no_version_and_no_size() -> None:
    text = draw()
    assert "metadata" not in text
    assert mpl.__version__ not in text
    root = parse_svg(text)
    assert root.get("width") is None
    assert root.get("height") is None
    assert root.get("viewBox")


def test_text_alternative_is_escaped() -> None:
    root = parse_svg(draw(alt='less < "more" & else'))
    assert root.get("aria-label") == 'less < "more" & else'
    assert root.get("role") == "img"


def test_identifiers_of_two_figures_do_not_clash_and_references_hold() -> None:
    first, second = draw("one"), draw("two")
    ids = [set(re.findall(r'\sid="([^"]+)"', text)) for text in (first, second)]
    assert not ids[0] & ids[1]
    for text, known in zip((first, second), ids, strict=True):
        used = re.findall(r'(?:href="#|url\(#)([^")]+)', text)
        assert used
        assert set(used) <= known


def test_colours_follow_the_theme() -> None:
    text = draw()
    assert "var(--blue)" in text
    assert "currentColor" in text
    assert "var(--grid)" in text
    for code in (INK, GRID, OKABE_ITO["blue"]):
        assert code not in text


def test_images_are_inline() -> None:
    links = re.findall(r'href="([^"]{0,22})', draw())
    assert any(link.startswith("data:image/png;base64,") for link in links)
    assert all(link.startswith(("data:image/png;base64,", "#")) for link in links)


def test_settings_of_the_reader_neither_matter_nor_change() -> None:
    plain = draw()
    with mpl.rc_context({"axes.grid": False, "font.size": 30, "svg.fonttype": "path"}):
        assert draw() == plain
        assert mpl.rcParams["font.size"] == 30


def test_settings_are_restored_after_an_error() -> None:
    before = mpl.rcParams["svg.fonttype"]
    with pytest.raises(ZeroDivisionError), drawing():
        raise ZeroDivisionError
    assert mpl.rcParams["svg.fonttype"] == before
