from __future__ import annotations

import re
from importlib.resources import files

import pytest

from brpnas.report.palette import GRID, INK, OKABE_ITO, SAMPLER_COLOURS

CSS = (files("brpnas.report") / "templates" / "style.css").read_text(encoding="utf-8")


def blocks() -> list[dict[str, str]]:
    """Variables of the light and the dark theme."""
    return [dict(re.findall(r"--(\w+): (#\w{6})", part)) for part in CSS.split(":root {")[1:3]]


def luminance(code: str) -> float:
    values = [int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_light_theme_is_the_palette() -> None:
    light = blocks()[0]
    assert {name: light[name] for name in OKABE_ITO} == OKABE_ITO


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("ink", ["text", "muted", "accent", "good", "bad"])
def test_text_has_the_contrast_of_wcag_aa(theme: int, ink: str) -> None:
    colours = blocks()[theme]
    for ground in ("page", "surface"):
        assert contrast(colours[ink], colours[ground]) >= 4.5


def test_placeholders_are_no_colour_of_the_palette() -> None:
    assert len({INK, GRID, *OKABE_ITO.values()}) == 2 + len(OKABE_ITO)
    assert set(SAMPLER_COLOURS) <= set(OKABE_ITO)
