"""The explorer in a real Chromium: mouse, keyboard, both themes, print, no scripts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.chromium import Opened, opened
from brpnas.report import render
from brpnas.search.fronts import pareto_front
from tests.report.samples import WINNER, history_table, report_data, space_table

PAINTED = "performance.getEntriesByName('explorer painted').length"
MODEL = "Bokeh.documents.at(-1).get_model_by_name"
WIDE = {"width": 1280, "height": 1000}
DARKEST = """(() => {
  const image = document.querySelector("#explorer-paper img");
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d");
  context.filter = getComputedStyle(image).filter;
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const opaque = [...data.keys()].filter((i) => i % 4 === 0 && data[i + 3] > 250);
  return opaque.reduce((least, i) => Math.min(least, data[i] + data[i + 1] + data[i + 2]), 765);
})()"""
"""Sum of red, green and blue of the darkest point of the printed picture."""


@pytest.fixture(scope="module")
def space() -> pd.DataFrame:
    table = space_table().assign(energy_mj=np.linspace(50, 1, 200))
    table.loc[7, ["latency_ms", "predicted_latency_ms", "test_accuracy"]] = 3.0, 3.0, 0.7234
    return table


@pytest.fixture(scope="module")
def report(space: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    front = pd.DataFrame(
        {"arch_id": space["arch_id"][[7, 0]], "accuracy": 0.5, "knee": [True, False]}
    )
    path.write_text(render(report_data(space=space, front=front)), "utf-8")
    return path


@pytest.fixture(scope="module")
def shown(chromium: Any, report: Path) -> Iterator[Opened]:
    with opened(chromium, report, viewport=WIDE) as found:
        found.wait(PAINTED)
        found.page.locator("#space").scroll_into_view_if_needed()
        yield found
        assert found.complaints == []
        assert found.requests == [report.as_uri()]


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> None:
    """The page as it was at the start."""
    if "shown" not in request.fixturenames:
        return
    page = request.getfixturevalue("shown").page
    page.locator("#explorer-x").select_option("predicted_latency_ms")
    page.locator("#explorer-y").select_option("test_accuracy")
    page.locator("#explorer-plot").focus()
    for key in ("Escape", "0"):
        page.keyboard.press(key)


def text(found: Opened, name: str) -> str:
    return str(found.page.locator(f"#explorer-{name}").inner_text())


def listed(found: Opened) -> list[str]:
    return [str(t) for t in found.page.locator("#explorer-leaders code").all_inner_texts()]


def said(found: Opened, part: str) -> str:
    """What a screen reader is told, once it holds a part."""
    script = "document.querySelector('#explorer-said').textContent"
    return str(found.wait(script, lambda value: part in value))


def best(space: pd.DataFrame, column: str, limit: float, by: str = "test_accuracy") -> list[str]:
    within = space[space[column] <= limit]
    order = within.sort_values([by, column], ascending=[by != "test_accuracy", True])
    return [str(name) for name in order.head(10)["arch_id"]]


def on_front(space: pd.DataFrame, cost: str) -> Any:
    return pareto_front(np.column_stack([-space[cost], space["test_accuracy"]]))


def place(found: Opened, space: pd.DataFrame, row: int) -> tuple[float, float]:
    """Where a row is drawn on the screen."""
    script = """([x, y]) => {
      const plot = Bokeh.documents.at(-1).get_model_by_name("plot");
      const frame = Bokeh.index.get_one(plot).frame;
      return [frame.x_scale.compute(x), frame.y_scale.compute(y)];
    }"""
    values = space.loc[row, ["predicted_latency_ms", "test_accuracy"]].tolist()
    inside = found.page.evaluate(script, [values[0], 100 * values[1]])
    box = found.page.locator("#explorer-plot").bounding_box()
    return box["x"] + inside[0], box["y"] + inside[1]


def test_the_limit_of_the_task_is_the_first_and_the_best_within_it_are_named(
    shown: Opened, space: pd.DataFrame
) -> None:
    assert shown.page.locator("#explorer-number").input_value() == "5"
    assert listed(shown) == best(space, "predicted_latency_ms", 5.0)
    count = int((space["predicted_latency_ms"] <= 5).sum())
    words = text(shown, "within").split()
    assert words[0] == str(count)
    assert "5.00" in words


@pytest.mark.parametrize("row", [7, 0])
def test_hover_shows_architecture_and_figures(shown: Opened, space: pd.DataFrame, row: int) -> None:
    shown.page.mouse.move(*place(shown, space, row))
    shown.wait("!document.querySelector('#explorer-tip').hidden")
    tip = text(shown, "tip")
    assert space["arch_id"][row] in tip
    for figure in (
        f"{100 * space['test_accuracy'][row]:.2f} %",
        f"{space['predicted_latency_ms'][row]:.2f} ms",
        f"{space['energy_mj'][row]:.1f} mJ",
    ):
        assert figure in tip
    assert ("winner" in tip) == (row == 0)
    assert ("suggested knee" in tip) == (row == 7)
    shown.page.mouse.move(1, 1)
    shown.wait("document.querySelector('#explorer-tip').hidden")


def test_click_selects(shown: Opened, space: pd.DataFrame) -> None:
    shown.page.mouse.click(*place(shown, space, 7))
    said(shown, space["arch_id"][7])
    assert space["arch_id"][7] in text(shown, "selected")


def test_slider_moves_the_limit_and_the_list(shown: Opened, space: pd.DataFrame) -> None:
    shown.page.locator("#explorer-limit").focus()
    for _ in range(60):
        shown.page.keyboard.press("ArrowLeft")
    limit = float(shown.page.locator("#explorer-number").input_value())
    assert 1 < limit < 5
    assert listed(shown) == best(space, "predicted_latency_ms", limit)
    assert listed(shown)[0] in said(shown, f"{limit:.2f} ms")
    spoken = shown.page.locator("#explorer-limit").get_attribute("aria-valuetext")
    assert spoken == f"{limit:.2f} ms"
    assert shown.page.evaluate(f"{MODEL}('limit').location") == limit


def test_a_limit_can_be_typed_and_may_leave_none(shown: Opened, space: pd.DataFrame) -> None:
    shown.page.locator("#explorer-number").fill("2.5")
    shown.page.keyboard.press("Enter")
    assert listed(shown) == best(space, "predicted_latency_ms", 2.5)
    shown.page.locator("#explorer-number").fill("0.01")
    shown.page.keyboard.press("Enter")
    assert listed(shown) == []
    assert "0.0100" in text(shown, "within")


def test_axes_can_be_chosen(shown: Opened, space: pd.DataFrame) -> None:
    choices = shown.page.locator("#explorer-x option").evaluate_all("all => all.map(o => o.value)")
    assert sorted(choices) == sorted(
        ["test_accuracy", "valid_accuracy", "latency_ms", "predicted_latency_ms", "energy_mj"]
    )
    shown.page.locator("#explorer-x").select_option("energy_mj")
    assert listed(shown) == best(space, "energy_mj", np.inf)  # no limit on it
    front = on_front(space, "energy_mj")
    assert str(front.sum()) in said(shown, "energy").split()
    shown.page.locator("#explorer-y").select_option("predicted_latency_ms")
    assert listed(shown) == best(space, "energy_mj", np.inf, "predicted_latency_ms")


def test_an_axis_taken_from_the_other_changes_places_with_it(shown: Opened) -> None:
    shown.page.locator("#explorer-x").select_option("test_accuracy")
    assert shown.page.locator("#explorer-y").input_value() == "predicted_latency_ms"
    assert "at least" in text(shown, "side")


def test_the_front_is_reached_by_keyboard(shown: Opened, space: pd.DataFrame) -> None:
    front = space[on_front(space, "predicted_latency_ms")]
    order = front.sort_values("predicted_latency_ms")["arch_id"].tolist()
    shown.page.keyboard.press("Home")
    for number, name in enumerate(order, start=1):
        assert f"{number} of {len(order)}" in said(shown, name)
        assert name in text(shown, "selected")
        shown.page.keyboard.press("ArrowRight")
    shown.page.keyboard.press("ArrowLeft")
    said(shown, order[-2])
    shown.page.keyboard.press("End")
    said(shown, order[-1])


def test_the_front_is_drawn_as_what_a_limit_leaves(shown: Opened, space: pd.DataFrame) -> None:
    """Between two members the line is at the accuracy of the faster one."""
    assert shown.page.evaluate(f"{MODEL}('front').glyph.mode") == "after"
    front = space[on_front(space, "predicted_latency_ms")].sort_values("predicted_latency_ms")
    drawn = shown.page.evaluate(f"[...{MODEL}('front source').data.x]")
    assert drawn == front["predicted_latency_ms"].tolist()


def test_the_best_are_reached_by_keyboard(shown: Opened, space: pd.DataFrame) -> None:
    names = best(space, "predicted_latency_ms", 5.0)
    for name in names:
        shown.page.keyboard.press("ArrowDown")
        said(shown, name)
    shown.page.locator("#explorer-leaders button[tabindex='0']").focus()
    shown.page.keyboard.press("Home")
    said(shown, names[0])
    shown.page.keyboard.press("ArrowDown")
    said(shown, names[1])
    pressed = shown.page.locator("#explorer-leaders button[aria-pressed='true']").all_inner_texts()
    assert pressed == [names[1]]


def test_tab_leads_through_every_control_and_the_focus_is_seen(shown: Opened) -> None:
    shown.page.locator("#explorer-x").focus()
    visited = []
    for _ in range(9):
        visited.append(
            shown.page.evaluate(
                "(() => { const at = document.activeElement, style = getComputedStyle(at);"
                " return [at.id || at.closest('tbody')?.id, style.outlineStyle]; })()"
            )
        )
        shown.page.keyboard.press("Tab")
    stops = ["x", "y", "limit", "number", "plot", "in", "out", "reset", "leaders"]
    assert [name for name, _ in visited] == [f"explorer-{stop}" for stop in stops]
    assert {outline for _, outline in visited} == {"solid"}


def test_keys_zoom(shown: Opened) -> None:
    width = f"(({{ start, end }}) => Math.log(end / start))({MODEL}('plot').x_range)"
    whole = shown.page.evaluate(width)
    shown.page.keyboard.press("+")
    assert shown.page.evaluate(width) == pytest.approx(whole / 1.5)
    shown.page.locator("#explorer-out").click()
    assert shown.page.evaluate(width) == pytest.approx(whole)


def test_every_control_has_a_name(shown: Opened) -> None:
    controls = shown.page.locator(".explorer :is(input, select, button, [tabindex='0'])")
    names = controls.evaluate_all(
        "all => all.map(e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent.trim()"
        " || e.textContent.trim())"
    )
    assert len(names) > 10
    assert all(names)
    assert shown.page.locator("#explorer-said").get_attribute("role") == "status"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_are_those_of_the_theme(chromium: Any, report: Path, scheme: Any) -> None:
    with opened(chromium, report, color_scheme=scheme, viewport=WIDE) as found:
        found.wait(PAINTED)
        ink = f"{MODEL}('below').axis_label_text_color"
        text_colour = "getComputedStyle(document.documentElement).getPropertyValue('--text')"
        assert found.page.evaluate(ink) == found.page.evaluate(text_colour)
        before = found.page.evaluate(ink)
        found.page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
        found.wait(ink, lambda now: now != before)
        assert found.page.evaluate(ink) == found.page.evaluate(text_colour)
        assert found.complaints == []


def test_print_shows_the_still_picture(shown: Opened) -> None:
    assert not shown.page.locator(".still").is_visible()
    shown.page.emulate_media(media="print")
    assert shown.page.locator(".still").is_visible()
    assert not shown.page.locator(".explorer").is_visible()
    shown.page.emulate_media(media="screen")
    assert shown.page.locator(".explorer").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_shows_the_chosen_axes(chromium: Any, report: Path, scheme: Any) -> None:
    with opened(chromium, report, color_scheme=scheme, viewport=WIDE) as found:
        found.wait(PAINTED)
        found.page.locator("#explorer-x").select_option("energy_mj")
        found.page.locator("#explorer-number").fill("25")
        found.page.keyboard.press("Enter")
        names = listed(found)
        found.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        found.page.emulate_media(media="print")
        assert found.page.locator(".taken").is_visible()
        assert not found.page.locator(".still").is_visible()
        caption = text(found, "paper")
        assert "energy" in caption.lower()
        assert all(name in caption for name in names)
        found.wait("document.querySelector('#explorer-paper img').naturalWidth")
        assert found.page.evaluate(DARKEST) < 200, "ink on white paper, in both themes"
        found.page.emulate_media(media="screen")
        found.page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert not found.page.locator(".taken").is_visible()
        found.page.pdf()  # prints
        assert found.complaints == []


def test_without_scripts_a_still_picture_and_the_table_remain(chromium: Any, report: Path) -> None:
    with opened(chromium, report, java_script_enabled=False) as found:
        assert found.page.locator(".still").is_visible()
        assert not found.page.locator(".explorer").is_visible()
        assert found.page.locator("#history td code", has_text=WINNER).count()


def test_on_a_phone_nothing_is_wider_than_the_page(chromium: Any, report: Path) -> None:
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(chromium, report, **options) as found:
        found.wait(PAINTED)
        sizes = found.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert sizes[0] <= sizes[1]
        assert found.complaints == []


def test_a_search_without_test_accuracies(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(report_data(space=space_table().assign(test_accuracy=np.nan))), "utf-8")
    answered = history_table(space_table()).dropna(subset=["accuracy"])
    with opened(chromium, path) as found:
        found.wait(PAINTED)
        within = answered[answered["predicted_latency_ms"] <= 5]
        order = within.sort_values("accuracy", ascending=False)["arch_id"].tolist()
        assert listed(found) == order[:10]
        assert found.complaints == []
