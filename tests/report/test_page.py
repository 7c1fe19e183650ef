from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from brpnas.errors import SchemaError
from brpnas.report import PredictorData, ReportData, render
from tests.report.samples import (
    FRONT,
    METRICS,
    WINNER,
    Page,
    front_table,
    history_table,
    lean_data,
    predictions_table,
    report_data,
    space_table,
    svg_texts,
    traces_table,
    without_scripts,
)

SECTIONS = ["winner", "latency", "search", "space", "history", "protocol", "provenance", "sources"]
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def text() -> str:
    return render(report_data())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_same_data_same_bytes(text: str) -> None:
    assert render(report_data()) == text


def test_elements_are_balanced_and_sections_complete(page: Page) -> None:
    assert page.unclosed == []
    assert [given["id"] for tag, given in page.tags if tag == "section"] == SECTIONS


def test_links_of_the_navigation_have_targets(page: Page) -> None:
    links = [given["href"] for tag, given in page.tags if tag == "a"]
    assert links == [*(f"#{name}" for name in SECTIONS), "https://example.org/paper"]


def test_nothing_is_loaded(text: str, page: Page) -> None:
    for tag, given in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "srcset", "data", "poster", "href", "xlink:href"):
            link = given.get(name)
            assert link is None or tag == "a" or link.startswith(("data:image/png;base64,", "#"))
    written = without_scripts(text)
    assert "@import" not in written
    assert not re.search(r"url\((?!#)", written)
    policy = next(g["content"] for t, g in page.tags if g.get("http-equiv"))
    assert (policy or "").startswith("default-src 'none'")


def test_identifiers_are_unique_and_drawings_have_alternatives(page: Page) -> None:
    ids = [given["id"] for _, given in page.tags if "id" in given]
    assert len(ids) == len(set(ids))
    assert len(page.svgs) == 8  # cell, scatter, errors, training, three curves, space
    assert all(svg.get("role") == "img" and svg.get("aria-label") for svg in page.svgs)


def test_summary_says_winner_latency_limit_and_where_the_network_is(page: Page) -> None:
    said = page.said("winner")
    for part in (WINNER, "72.34 %", "3.42 ms", "✓ kept", "latency_ms <= 5", "models/winner.onnx"):
        assert part in said


def test_constraint_table(page: Page) -> None:
    assert page.tables["Constraints"][1] == ["latency_ms <= 5", "✓ kept", "✓ kept"]


def test_numbers_of_the_metrics_table_equal_the_input(page: Page) -> None:
    _, *rows = page.tables["Metrics of latency predictors on test rows"]
    for (name, *cells), (model, figures) in zip(rows, METRICS.items(), strict=True):
        assert name.lower() == model
        for cell, (key, value) in zip(cells, figures.items(), strict=True):
            if key in ("spearman", "kendall"):
                assert cell == f"{value:.3f}"
            else:
                assert cell == f"{100 * value:.1f} %"
    assert "On 159 test rows" in page.said("latency")


def test_history_table_equals_the_input(page: Page) -> None:
    _, *rows = page.tables["Queries of the main search"]
    history = report_data().history
    assert [row[2] for row in rows] == history["arch_id"].tolist()
    assert [row[5] for row in rows] == history["status"].tolist()
    values = [given.get("data-value") for tag, given in page.tags if tag == "td"]
    assert str(history["accuracy"][0]) in values


def test_search_table(page: Page) -> None:
    _, *rows = page.tables["Results of samplers"]
    assert [row[0] for row in rows] == ["brp", "evolution", "random"]
    assert rows[0][2] == "66.00 % ± 0.10"


def test_front_of_a_search_with_several_objectives(page: Page) -> None:
    data = lean_data(front=front_table(space_table()), front_figures=FRONT)
    shown = Page(render(data))
    heads, first, second = shown.tables["Front of the search"]
    assert heads[2:] == ["accuracy", "latency (ms)", "energy on box (mJ)"]
    assert first == ["1", WINNER, "70.00 %", "3.3", "12.5"]
    assert (second[0], second[2:]) == ("2", ["65.00 %", "2.25", "8"])
    for part in ("0.8750", FRONT["reason"], "-energy_mj@box"):
        assert str(part) in shown.said("space")
    assert set(shown.tables) - set(page.tables) == {"Front of the search"}


def test_protocol_and_provenance(page: Page) -> None:
    assert "fitted on 30 measured" in page.said("protocol")
    assert "width 128" in page.said("protocol")
    assert "git revision abc123 clean yes" in page.said("provenance")
    assert "LatBench, licence: MIT" in page.said("sources")


def hostile_data() -> Any:
    data = report_data()
    space, history = data.space, data.history
    assert space is not None
    space["arch_id"] = space["arch_id"].replace(WINNER, HOSTILE)
    history["arch_id"] = history["arch_id"].replace(WINNER, HOSTILE)
    traces = data.traces
    assert traces is not None
    traces["sampler"] = traces["sampler"].replace("random", HOSTILE)
    return report_data(
        title=HOSTILE,
        chosen={**data.chosen, "arch_id": HOSTILE, "onnx": HOSTILE},
        history=history,
        space=space,
        traces=traces,
        metrics={HOSTILE: METRICS["gcn"]},
        protocol={"device": HOSTILE, "settings": {HOSTILE: HOSTILE}},
        provenance={HOSTILE: HOSTILE},
        sources=[{"name": HOSTILE, "citation": HOSTILE, "url": f"javascript:{HOSTILE}"}],
    )


def least_data() -> ReportData:
    return ReportData(chosen={"arch_id": WINNER}, history=report_data().history)


@pytest.fixture(scope="module")
def least() -> Page:
    return Page(render(least_data()))


@pytest.fixture(scope="module")
def hostile() -> Page:
    return Page(render(hostile_data()))


def test_hostile_names_are_escaped(hostile: Page) -> None:
    assert hostile.unclosed == []
    tags = [tag for tag, _ in hostile.tags]
    assert tags.count("script") == 5  # of the page, and data, plot, BokehJS and module
    assert "img" not in tags
    assert not any(name.startswith("on") for _, given in hostile.tags for name in given)
    assert not any((given.get("href") or "").startswith("javascript") for _, given in hostile.tags)
    for section in ("winner", "latency", "history", "protocol", "provenance", "sources"):
        assert HOSTILE in hostile.said(section)
    assert any(HOSTILE in svg_texts(svg) for svg in hostile.svgs)


def test_a_cell_of_another_space_is_not_drawn_and_that_is_said(hostile: Page) -> None:
    assert "left out" in hostile.said("winner")
    assert len(hostile.svgs) == 7


@pytest.mark.parametrize(
    ("part", "section", "note", "drawings"),
    [
        ("predictions", "latency", "latency left", 2),
        ("training", "latency", "curves left", 1),
        ("traces", "search", "curves left", 3),
        ("space", "space", "latency left", 1),
        ("provenance", "provenance", "Provenance left", 0),
        ("sources", "sources", "Sources left", 0),
        ("task", "winner", "no constraint", 0),
    ],
)
def test_what_is_missing_is_said(
    least: Page, part: str, section: str, note: str, drawings: int
) -> None:
    assert note in least.said(section)
    data, whole = least_data(), report_data()
    more = Page(render(dataclasses.replace(data, **{part: getattr(whole, part)})))
    assert note not in more.said(section)
    assert len(more.svgs) == 1 + drawings
    assert more.unclosed == least.unclosed == []


def test_missing_metrics_of_predictions_are_said() -> None:
    short = Page(render(lean_data(predictions=report_data().predictions, metrics={})))
    assert "metrics left" in short.said("latency")
    assert len(short.svgs) == 1 + 2


def test_the_least_that_makes_a_report(least: Page) -> None:
    assert WINNER in least.said("winner")
    assert len(least.svgs) == 1
    assert "06_models/onnx/network.onnx" in least.said("winner")


def test_metrics_are_shown_without_predictions(page: Page) -> None:
    data = report_data()
    short = Page(render(lean_data(traces=data.traces, space=data.space)))
    assert [c for c in page.tables if c not in short.tables] == []


def test_unmeasured_test_rows_are_left_out() -> None:
    predictions = report_data().predictions
    assert predictions is not None
    test = predictions.index[predictions["split"] == "test"]
    predictions.loc[test[:9], "latency_ms"] = np.nan
    assert "On 150 test rows" in Page(render(lean_data(predictions=predictions))).said("latency")
    predictions.loc[test, "latency_ms"] = np.nan
    page = Page(render(lean_data(predictions=predictions)))
    assert "150 test rows" not in page.said("latency")
    assert len(page.svgs) == 1


def test_only_curves_that_are_known_are_drawn() -> None:
    traces = report_data().traces
    assert traces is not None
    traces["best_single_seed_test_seen"] = np.nan
    assert len(Page(render(lean_data(traces=traces))).svgs) == 1 + 2


def test_page_of_a_whole_space_is_small() -> None:
    space = space_table(size=15000)
    big = report_data(
        space=space,
        history=history_table(space, 100),
        predictions=predictions_table(space),
        protocol={},
    )
    assert len(render(big).encode()) < 5 * 10**6


@pytest.mark.parametrize("choose_by", ["ranker", "answers"])
def test_captions_of_curves_claim_no_choice_and_no_user(text: str, choose_by: str) -> None:
    untested = traces_table().assign(chosen_test=np.nan, best_test_seen=np.nan, regret=np.nan)
    untested["best_single_seed_test_seen"] = np.nan
    task = {**report_data().task, "sampler": {"name": "brp", "choose_by": choose_by}}
    page = render(lean_data(traces=untested, task=task))
    assert "choice was" not in page
    assert "Mean test" not in page
    assert "Mean test" in text


def test_every_further_predictor_has_a_section_of_its_own() -> None:
    latency = report_data().predictions
    assert latency is not None
    names = {"latency_ms": "energy_mj", "predicted_latency_ms": "predicted_energy_mj"}
    rows = latency.rename(columns=names).head(150)
    energy = PredictorData(
        predictions=rows,
        metrics={"gcn": METRICS["gcn"] | {"spearman": 0.625}},
        scored="left out",
    )
    further = {"energy_mj@box": energy, "latency_ms@pi": PredictorData()}
    page = Page(render(report_data(further=further)))
    said = page.said("predictor-1")
    assert said.split()[:4] == ["Energy", "predictor", "of", "box"]
    assert f"On {(rows['split'] == 'test').sum()} rows" in said
    assert "curves left" in said
    _, row = page.tables["Metrics of energy predictors on rows left out in turn"]
    assert "0.625" in row
    assert page.said("predictor-2").split()[:4] == ["Latency", "predictor", "of", "pi"]
    assert "On 159 test rows" in page.said("latency")
    links = [given["href"] for tag, given in page.tags if tag == "a"]
    assert links[1:4] == ["#latency", "#predictor-1", "#predictor-2"]


def test_a_further_predictor_needs_the_columns_of_its_metric() -> None:
    predictions = report_data().predictions
    with pytest.raises(SchemaError, match="energy_mj"):
        report_data(further={"energy_mj@box": PredictorData(predictions=predictions)})


def test_searches_for_a_front_are_compared_by_hypervolume() -> None:
    traces = traces_table(queries=20).assign(hypervolume=0.875)
    page = Page(render(report_data(traces=traces)))
    said = page.said("search")
    assert "Hypervolume," in said
    assert "regret" not in said
    _, *rows = page.tables["Results of samplers"]
    assert all(row[2].startswith("0.8750") for row in rows)
