"""A search with several objectives, from the parameters to its result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from brpnas.errors import ConfigurationError, ObjectiveError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricPredictor
from brpnas.search import chosen
from brpnas.search.fronts import Objectives, pareto_front
from pipelines.search.objectives import known_costs
from tests.pipelines.search.stage import PARAMS, TASK, search, stage

TWO = ["accuracy", "-latency_ms@toy-device"]


@pytest.fixture
def tables(
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    predictor: MetricPredictor,
) -> tuple[Any, ...]:
    predictors = {"latency_ms@toy-device": predictor}
    return small_graphs, architectures, accuracy, predictions, predictors


def along(
    tables: tuple[Any, ...], store: Path, objectives: list[str], params: dict[str, Any] = PARAMS
) -> Any:
    return stage(tables, store, params, TASK, **{"params:objectives": objectives})


def test_the_chosen_is_the_knee_of_the_front(tables: tuple[Any, ...], tmp_path: Path) -> None:
    done = along(tables, tmp_path, TWO)
    front, history = done["front"], done["search_history"]
    assert front["knee"].sum() == 1
    knee = front.loc[front["knee"], "arch_id"].iloc[0]
    assert chosen(history) == knee
    result = done["search_result"]
    assert (result["chosen"]["arch_id"], result["front"]["knee"]) == (knee, knee)
    assert result["front"]["objectives"] == ["accuracy", "-latency_ms"]
    assert result["task"]["objectives"] == ["accuracy", "-latency_ms"]
    volumes = result["front"]["hypervolume_by_round"]
    assert len(volumes) == history["round"].nunique()
    assert volumes == sorted(volumes)
    assert volumes[-1] == result["front"]["hypervolume"]
    members = result["members"]
    assert [one["chosen"]["arch_id"] for one in members] == front["arch_id"].tolist()
    own = {name: result[name] for name in members[0]}
    own["held_out"] = {name: own["held_out"][name] for name in members[0]["held_out"]}
    assert own in members, "the figures of the knee are those of a member"
    tested = tables[2][(tables[2]["split"] == "test") & tables[2]["seed"].isna()]
    tested = tested.set_index("arch_id")["accuracy"]
    for one, answer in zip(members, front["answer"], strict=True):
        assert one["known"]["valid_accuracy"] == pytest.approx(answer)
        assert one["held_out"]["test_accuracy"] == tested[one["chosen"]["arch_id"]]
    points = Objectives.parse(TWO, "toy-device").points(front["accuracy"], front[["latency_ms"]])
    assert pareto_front(points).all()


def test_costs_are_measured_where_the_predictor_was_trained(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    predictions = tables[3]
    front = along(tables, tmp_path, TWO)["front"]
    known = known_costs(Objectives.parse(["accuracy", "-latency_ms"]), predictions)["latency_ms"]
    fitted = predictions[predictions["split"].isin(["train", "valid"])]
    assert known == dict(zip(fitted["arch_id"], fitted["measured"], strict=True))
    predicted = dict(zip(predictions["arch_id"], predictions["predicted"], strict=True))
    expected = [known.get(name, predicted[name]) for name in front["arch_id"]]
    assert front["latency_ms"].tolist() == expected


def test_costs_of_a_table_are_measured_before_a_query(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    params = search(limits={"source": "table"})
    done = along(tables, tmp_path, TWO, params)
    true = tables[3].set_index("arch_id")["measured"]
    asked, measured = done["search_history"], done["search_measurements"]
    assert len(measured) > 0
    assert measured["latency_ms"].tolist() == true[measured["arch_id"]].tolist()
    assert done["front"]["latency_ms"].tolist() == true[done["front"]["arch_id"]].tolist()
    assert done["search_result"]["sources"] == {"latency_ms": "table"}
    assert done["search_result"]["measured"] == len(measured)
    assert asked["feasible"].all()


def test_accuracy_alone_has_no_front(tables: tuple[Any, ...], tmp_path: Path) -> None:
    done = along(tables, tmp_path, ["accuracy"])
    assert done["search_result"]["front"] is None
    assert done["front"]["arch_id"].tolist() == [chosen(done["search_history"])]
    (member,) = done["search_result"]["members"]
    assert member["chosen"] == done["search_result"]["chosen"]


def test_a_computed_cost_needs_no_predictor(tables: tuple[Any, ...], tmp_path: Path) -> None:
    front = along(tables, tmp_path, ["accuracy", "-latency_ms", "-params_m"])["front"]
    assert {"latency_ms", "params_m"} <= set(front)


@pytest.mark.parametrize(
    "objectives", [["-latency_ms"], ["accuracy", "latency_ms"], ["accuracy", "-energy_mj"]]
)
def test_unfit_objectives_end_before_a_query(
    tables: tuple[Any, ...], tmp_path: Path, objectives: list[str]
) -> None:
    with pytest.raises(ObjectiveError):
        _ = along(tables, tmp_path, objectives)["candidate_pool"]


def test_samplers_are_compared_by_objectives(tables: tuple[Any, ...], tmp_path: Path) -> None:
    pytest.importorskip("pymoo")
    params = search(report={"comparison_seeds": 1})
    done = along(tables, tmp_path, TWO, params)
    traces = done["search_traces"]
    assert traces["sampler"].unique().tolist() == ["brp", "nsga2", "random"]
    for _, curve in traces.groupby("sampler")["hypervolume"]:
        assert curve.is_monotonic_increasing
        assert curve.iloc[-1] > 0
    own = along(tables, tmp_path, TWO, search(report={"comparison_seeds": 0}))["search_traces"]
    assert own["sampler"].unique().tolist() == ["brp"]
    assert own["hypervolume"].iloc[-1] == pytest.approx(1.21, abs=0.6)


@pytest.mark.parametrize(("name", "objectives"), [("evolution", TWO), ("nsga2", ["accuracy"])])
def test_a_sampler_of_other_objectives_is_refused(
    tables: tuple[Any, ...], tmp_path: Path, name: str, objectives: list[str]
) -> None:
    params = search(sampler={"name": name})
    with pytest.raises(ConfigurationError, match=f"'{name}'"):
        _ = along(tables, tmp_path, objectives, params)["search_history"]
