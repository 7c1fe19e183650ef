from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.report import ReportData, Task
from brpnas.report.explorer.points import LEADERS, Explored, explored
from brpnas.search.fronts import pareto_front
from tests.report.samples import WINNER, history_table, report_data, space_table


def collected(data: ReportData | None = None, most: int = 20_000) -> Explored:
    found = explored(report_data() if data is None else data, most)
    assert found is not None
    return found


def names(found: Explored) -> list[str]:
    return [axis.name for axis in found.axes]


def test_all_that_is_known_of_an_architecture_is_in_one_row() -> None:
    data = report_data()
    found = collected(data)
    assert data.space is not None
    assert found.points["arch_id"].tolist() == data.space["arch_id"].tolist()
    for column in ("test_accuracy", "latency_ms", "predicted_latency_ms"):
        assert found.points[column].equals(data.space[column])
    history = data.history[data.history["status"] == "ok"].set_index("arch_id")
    rows = found.points.set_index("arch_id").loc[history.index]
    assert rows["valid_accuracy"].tolist() == history["accuracy"].tolist()
    assert rows["round"].tolist() == history["round"].tolist()
    assert found.points["round"].notna().sum() == len(history)


def test_axes_at_the_start_are_those_of_the_search() -> None:
    found = collected()
    assert (found.x, found.y) == ("latency_ms", "test_accuracy")
    assert names(found)[:2] == ["test_accuracy", "valid_accuracy"]
    assert found.limits == {"latency_ms": 5.0, "predicted_latency_ms": 5.0}


@pytest.mark.parametrize(
    ("task", "x"),
    [
        ({"constraints": ["energy_mj <= 5", "latency_ms <= 5"]}, "predicted_energy_mj"),
        ({"objectives": ["accuracy", "-energy_mj", "-latency_ms"]}, "predicted_energy_mj"),
        ({"objectives": ["accuracy"]}, "latency_ms"),
        ({"objectives": ["accuracy", "-peak_memory_mib"]}, "latency_ms"),  # in no table
    ],
)
def test_limits_and_objectives_decide_the_horizontal_axis(task: Task, x: str) -> None:
    space = space_table().assign(predicted_energy_mj=2.0)
    assert collected(report_data(space=space, task=task)).x == x


@pytest.mark.parametrize(("unmeasured", "x"), [(1, "latency_ms"), (30, "predicted_latency_ms")])
def test_measurements_are_shown_if_nearly_all_have_one(unmeasured: int, x: str) -> None:
    space = space_table()
    space.loc[space.index[-unmeasured:], "latency_ms"] = np.nan
    assert collected(report_data(space=space)).x == x


def test_without_test_accuracies_the_answers_are_shown() -> None:
    found = collected(report_data(space=space_table().assign(test_accuracy=np.nan)))
    assert found.y == "valid_accuracy"
    assert "test_accuracy" not in names(found)


def test_two_answers_count_with_their_mean_and_first_round() -> None:
    history = history_table(space_table())
    again = history.iloc[[0]].assign(query=12, round=9, accuracy=0.1)
    row = collected(report_data(history=pd.concat([history, again]))).points.set_index("arch_id")
    row = row.loc[history["arch_id"][0]]
    assert row["valid_accuracy"] == pytest.approx((history["accuracy"][0] + 0.1) / 2)
    assert row["round"] == 0


def test_without_a_table_of_the_space_the_queries_are_shown() -> None:
    data = report_data(space=None)
    found = collected(data)
    answered = data.history[data.history["status"] == "ok"]
    assert found.points["arch_id"].tolist() == answered["arch_id"].unique().tolist()
    assert (found.x, found.y) == ("predicted_latency_ms", "valid_accuracy")


def test_other_metrics_of_space_and_history_are_axes() -> None:
    space = space_table().assign(**{"predicted_latency_ms@b": 1.5, "energy_mj": np.nan})
    history = history_table(space_table()).assign(predicted_params_m=2.0)
    found = collected(report_data(space=space, history=history))
    assert set(names(found)) >= {"predicted_latency_ms@b", "params_m"}
    assert "energy_mj" not in names(found)  # known of none
    known = found.points["params_m"].notna()
    assert known.equals(found.points["round"].notna())


def test_members_of_the_front_and_its_knee_are_marked() -> None:
    names = history_table(space_table())["arch_id"].tolist()
    front = pd.DataFrame({"arch_id": [names[4], WINNER], "accuracy": 0.5, "knee": [True, False]})
    points = collected(report_data(front=front)).points.set_index("arch_id")
    assert set(points.index[points["member"]]) == {names[4], WINNER}
    assert points.index[points["knee"]].tolist() == [names[4]]


def test_without_accuracy_there_is_nothing_to_explore() -> None:
    history = history_table(space_table()).assign(accuracy=np.nan)
    assert (
        explored(report_data(space=space_table().assign(test_accuracy=np.nan), history=history))
        is None
    )


def test_a_large_space_is_thinned_but_not_where_it_matters() -> None:
    space = space_table(size=1500)
    data = report_data(space=space, history=history_table(space), predictions=None)
    found = collected(data, most=400)
    assert len(found.points) == 400
    assert found.left_out == 1100
    kept = set(found.points["arch_id"])
    assert set(data.history.dropna(subset=["accuracy"])["arch_id"]) <= kept
    for cost in ("latency_ms", "predicted_latency_ms"):
        front = pareto_front(np.column_stack([-space[cost], space["test_accuracy"]]))
        assert set(space["arch_id"][front]) <= kept
        for limit in (1.2, 2.0, 5.0, 9.0):
            best = space[space[cost] <= limit].nlargest(LEADERS, "test_accuracy")
            assert set(best["arch_id"]) <= kept
    assert collected(data, most=400).points.equals(found.points)
