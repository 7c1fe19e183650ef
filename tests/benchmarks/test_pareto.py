"""The points of the Pareto plot survive the way through JSON."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from benchmarks import pareto
from benchmarks.pareto import _kept, points
from benchmarks.pictures import alt_text
from benchmarks.pictures import pareto as draw


def table() -> pd.DataFrame:
    rows = [
        ("a", 1.0, 0.90, True, 0.0),
        ("same as a", 1.0, 0.90, True, None),
        ("b", 2.0, 0.95, True, 1.0),
        *((f"other {n}", 3.0 + n, 0.5, False, None) for n in range(9)),
    ]
    return pd.DataFrame(rows, columns=["arch_id", "latency_ms", "accuracy", "front", "round"])


def test_queries_winner_and_corners_of_the_front_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(pareto, "_SHOWN", 4)
    kept = json.loads(json.dumps(_kept(table(), "b")))
    assert kept["winner"] == [[2.0, 0.95, 1]]
    assert kept["queried"] == [[1.0, 0.9, 0], [2.0, 0.95, 1]]
    assert kept["front"] == [[1.0, 0.9], [2.0, 0.95]]
    assert len(kept["space"]) == 4
    assert {accuracy for _, accuracy in kept["space"]} == {0.5}

    shown = points({"points": kept, "latency": "predicted"})
    assert (shown.latency, shown.accuracy) == ("predicted", "test")
    assert shown.points["front"].sum() == 2
    assert shown.points["round"].dropna().tolist() == [0, 1]
    winner = shown.points[shown.points["arch_id"] == "winner"]
    assert winner[["latency_ms", "accuracy"]].to_numpy().tolist() == [[2.0, 0.95]]


@pytest.mark.slow
def test_quick_run_of_the_stages_gives_what_the_picture_needs() -> None:
    result = pareto.run(quick=True, seeds=1, workers=1)
    chosen = result["chosen"]
    assert result["queries"] == 20
    assert 0.9 < chosen["test_accuracy"] <= chosen["optimum_test_accuracy"] < 1
    assert chosen["predicted_latency_ms"] <= 1
    assert set(result["test_accuracy"]) == {"brp", "evolution", "random"}
    assert f"{100 * chosen['test_accuracy']:.1f} percent" in alt_text(draw({"pareto": result}))
