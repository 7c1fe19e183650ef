from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brpnas.report.plots import Accuracies, accuracies, space_plot
from brpnas.search.fronts import pareto_front
from tests.report.samples import WINNER, history_table, parse_svg, space_table, svg_texts


def collected(space: pd.DataFrame) -> Accuracies:
    shown = accuracies(space, history_table(space_table()), WINNER)
    assert shown is not None
    return shown


def test_measured_latency_and_test_accuracy_are_preferred() -> None:
    space = space_table()
    shown = collected(space)
    assert (shown.latency, shown.accuracy, shown.left_out) == ("measured", "test", 1)
    known = space.dropna(subset=["latency_ms"])
    assert shown.points["latency_ms"].tolist() == known["latency_ms"].tolist()
    assert shown.points["accuracy"].tolist() == known["test_accuracy"].tolist()


def test_front_is_that_of_the_points() -> None:
    points = collected(space_table()).points
    expected = pareto_front(np.column_stack([points["accuracy"], -points["latency_ms"]]))
    assert points["front"].tolist() == expected.tolist()


@pytest.mark.parametrize("rows", [[0], list(range(50, 90))])
def test_latencies_are_never_mixed(rows: list[int]) -> None:
    space = space_table()
    space.loc[rows, "latency_ms"] = np.nan  # the winner, or a fifth of all
    shown = collected(space)
    assert (shown.latency, shown.left_out) == ("predicted", 0)
    assert shown.points["latency_ms"].tolist() == space["predicted_latency_ms"].tolist()


def test_without_test_accuracies_the_answers_are_shown() -> None:
    space = space_table()
    space["test_accuracy"] = np.nan
    shown = collected(space)
    history = history_table(space_table())
    ok = history[history["status"] == "ok"].set_index("arch_id")["accuracy"]
    assert shown.accuracy == "validation"
    assert shown.points.set_index("arch_id")["accuracy"].to_dict() == ok.to_dict()


def test_two_answers_count_with_their_mean_and_first_round() -> None:
    space = space_table()
    space["test_accuracy"] = np.nan
    history = history_table(space_table())
    again = history.iloc[[0]].assign(query=12, round=9, accuracy=0.1)
    shown = accuracies(space, pd.concat([history, again]), WINNER)
    assert shown is not None
    row = shown.points.set_index("arch_id").loc[history["arch_id"][0]]
    assert row["accuracy"] == pytest.approx((history["accuracy"][0] + 0.1) / 2)
    assert row["round"] == 0


def test_nothing_known() -> None:
    space, history = space_table(), history_table(space_table())
    space["test_accuracy"] = np.nan
    history["status"] = "failed"
    assert accuracies(space, history, WINNER) is None


def test_failed_queries_belong_to_no_round() -> None:
    shown = collected(space_table())
    history = history_table(space_table())
    asked = shown.points.dropna(subset=["round"])
    assert set(asked["arch_id"]) == set(history.loc[history["status"] == "ok", "arch_id"])


def test_plot_names_rounds_front_limit_and_winner() -> None:
    root = parse_svg(space_plot(collected(space_table()), WINNER, limit_ms=5.0))
    expected = {"space", "Pareto front", "round 0", "round 1", "round 2", "winner", "limit 5 ms"}
    assert expected <= set(svg_texts(root))
    assert {"measured latency (ms)", "mean test accuracy (%)"} <= set(svg_texts(root))
    assert "199 architectures" in (root.get("aria-label") or "")


def test_many_rounds_share_five_marks() -> None:
    shown = collected(space_table())
    asked = shown.points["round"].notna()
    rounds = shown.points["round"].mask(asked, np.arange(len(asked)) % 12)
    points = shown.points.assign(round=rounds)
    texts = svg_texts(parse_svg(space_plot(replace(shown, points=points), WINNER)))
    named = [text for text in texts if text.startswith("round")]
    assert 2 <= len(named) <= 5
    assert any(text.startswith("rounds ") and " to " in text for text in named)
    numbers = {int(n) for text in named for n in re.findall(r"\d+", text)}
    assert {int(rounds[asked].min()), int(rounds[asked].max())} <= numbers


def test_plot_without_limit_or_winner() -> None:
    texts = svg_texts(parse_svg(space_plot(collected(space_table()), "elsewhere")))
    assert "winner" not in texts
    assert not [text for text in texts if text.startswith("limit")]


def test_plot_of_answers_only_has_no_cloud() -> None:
    space = space_table()
    space["test_accuracy"] = np.nan
    texts = svg_texts(parse_svg(space_plot(collected(space), WINNER)))
    assert "space" not in texts
    assert "validation accuracy (%)" in texts


def test_same_points_same_drawing() -> None:
    shown = collected(space_table())
    assert space_plot(shown, WINNER, 5.0) == space_plot(shown, WINNER, 5.0)
