from __future__ import annotations

import numpy as np
import pytest

from brpnas.report.plots import CURVES, HYPERVOLUME, known_curves, search_curve, spread
from brpnas.report.plots.traces import sampler_order
from tests.report.samples import SVG, parse_svg, svg_texts, traces_table


def bands(text: str) -> int:
    groups = parse_svg(text).iter(f"{SVG}g")
    return sum("FillBetween" in (g.get("id") or "") for g in groups)


def test_spread_is_the_mean_and_the_quartiles() -> None:
    table = spread(traces_table(queries=2, seeds=3), "chosen_test")
    row = table[(table["sampler"] == "random") & (table["queries"] == 2)].iloc[0]
    assert row["mean"] == pytest.approx(0.602)
    assert row["q25"] == pytest.approx(0.6015)
    assert row["q75"] == pytest.approx(0.6025)
    assert row["seeds"] == 3


@pytest.mark.parametrize("column", CURVES)
def test_every_sampler_and_the_optimum_are_named(column: str) -> None:
    texts = svg_texts(parse_svg(search_curve(traces_table(), column, optimum=0.7)))
    assert {"brp", "evolution", "random", "optimum (mean)", "queries spent"} <= set(texts)
    assert CURVES[column] in texts


def test_a_front_is_compared_by_its_hypervolume_alone() -> None:
    traces = traces_table(queries=20).assign(hypervolume=0.875)
    assert known_curves(traces) == [HYPERVOLUME]
    drawn = parse_svg(search_curve(traces, HYPERVOLUME))
    assert "hypervolume" in svg_texts(drawn)
    assert "brp 0.875," in (drawn.get("aria-label") or "")


def test_no_optimum_no_line() -> None:
    assert "optimum (mean)" not in svg_texts(parse_svg(search_curve(traces_table(), "chosen_test")))


def test_band_only_with_several_seeds() -> None:
    assert bands(search_curve(traces_table(seeds=3), "chosen_test")) == 3
    assert bands(search_curve(traces_table(seeds=1), "chosen_test")) == 0


def test_alternative_tells_the_final_means() -> None:
    label = parse_svg(search_curve(traces_table(queries=20), "chosen_test")).get("aria-label")
    assert "brp 66 percent" in (label or "")
    assert "random 62 percent" in (label or "")


def test_one_query_can_be_drawn() -> None:
    parse_svg(search_curve(traces_table(queries=1), "chosen_test"))


def test_missing_first_answers_can_be_drawn() -> None:
    traces = traces_table()
    traces.loc[traces["query"] < 3, "chosen_test"] = np.nan
    assert spread(traces, "chosen_test")["queries"].min() == 4
    parse_svg(search_curve(traces, "chosen_test"))


def test_order_of_samplers() -> None:
    assert sampler_order(["random", "brp", "evolution", "brp"]) == ["brp", "evolution", "random"]


def test_many_samplers_can_be_drawn() -> None:
    names = tuple(f"s{i}" for i in range(9))
    texts = svg_texts(parse_svg(search_curve(traces_table(samplers=names), "chosen_test")))
    assert set(names) <= set(texts)


def test_validation_accuracy_is_drawn_only_where_no_test_accuracy_is_known() -> None:
    traces = traces_table()
    assert "best_valid" not in known_curves(traces)
    assert known_curves(traces)[0] == "chosen_test"
    tests = [name for name in CURVES if name != "best_valid"]
    assert known_curves(traces.assign(**dict.fromkeys(tests, np.nan))) == ["best_valid"]
    assert known_curves(traces.assign(**dict.fromkeys(CURVES, np.nan))) == []
