"""Searches for a front, compared by the hypervolume of their queries."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from brpnas.search import HeldOutScores
from brpnas.search.fronts import Objectives, Scale
from pipelines.search.compared import front_traces

OBJECTIVES = Objectives.parse(["accuracy", "-latency_ms"])
NOTHING = HeldOutScores({}, {}, math.nan)


def history(rows: list[tuple[str, float, float]], **changes: object) -> pd.DataFrame:
    """Queries of architectures with an answer and a predicted latency."""
    table = pd.DataFrame(rows, columns=["arch_id", "accuracy", "predicted_latency_ms"])
    table.insert(0, "query", range(len(table)))
    return table.assign(status="ok", feasible=True, latency_ms=math.nan, leader=None).assign(
        **changes
    )


ONE = history([("a", 0.5, 4.0), ("b", 0.6, 4.0), ("c", 0.5, 5.0), ("d", 0.9, 9.0)])
TWO = history([("e", 0.4, 1.0), ("a", 0.5, 4.0), ("f", 0.3, 8.0), ("g", 0.2, 9.0)])


def test_all_searches_have_one_scale_and_each_query_adds_what_it_dominates() -> None:
    traces = front_traces({("brp", 0): ONE, ("random", 3): TWO}, OBJECTIVES, {}, NOTHING)
    assert traces.groupby("sampler")["seed"].unique().map(list).to_dict() == {
        "brp": [0],
        "random": [3],
    }
    points = {
        name: np.array([[row.accuracy, -row.predicted_latency_ms] for row in table.itertuples()])
        for name, table in {"brp": ONE, "random": TWO}.items()
    }
    scale = Scale.of(np.concatenate(list(points.values())))
    for name, rows in traces.groupby("sampler"):
        expected = [scale.hypervolume(points[str(name)][: n + 1]) for n in range(4)]
        assert rows["hypervolume"].tolist() == pytest.approx(expected)
    brp = traces.loc[traces["sampler"] == "brp", "hypervolume"].tolist()
    assert brp[0] < brp[1] == brp[2] < brp[3], "the third is dominated"


def test_test_accuracies_and_measured_costs_count() -> None:
    scores = HeldOutScores({"a": 0.9, "b": 0.1, "c": 0.2, "d": 0.3}, {}, 0.9)
    traces = front_traces({("brp", 0): ONE}, OBJECTIVES, {"latency_ms": {"d": 1.0}}, scores)
    volumes = traces["hypervolume"].tolist()
    assert volumes[0] == volumes[1] == volumes[2] < volumes[3]
    measured = ONE.assign(latency_ms=[math.nan, math.nan, math.nan, 20.0])
    again = front_traces({("brp", 0): measured}, OBJECTIVES, {}, scores)["hypervolume"]
    assert again.iloc[3] == again.iloc[0], "slower and less accurate"


def test_failed_and_infeasible_queries_count_nothing() -> None:
    some = ONE.assign(
        status=["failed", "ok", "ok", "ok"],
        feasible=[True, True, True, False],
        accuracy=[math.nan, 0.6, 0.5, 0.9],
    )
    volumes = front_traces({("brp", 0): some}, OBJECTIVES, {}, NOTHING)["hypervolume"].tolist()
    assert volumes[0] == 0
    assert volumes[1] == volumes[3] > 0
