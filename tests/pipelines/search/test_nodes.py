from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from brpnas.errors import BudgetError, InfeasibleError, SchemaError
from brpnas.graphs import VIEWS, SpaceGraphs, View
from brpnas.predictors import BinaryRelationPredictor
from brpnas.search.seeding import integer_seed
from pipelines.config import SearchConfig, parse
from pipelines.search import create_pipeline
from pipelines.search.nodes import compare_samplers, search_architecture, summarise_search
from pipelines.search.task import make_context, predicted_metrics

PARAMS: dict[str, Any] = {
    "sampler": "brp",
    "budget": 12,
    "rounds": 3,
    "repeats": 2,
    "seed": 0,
    "comparison_seeds": 2,
    "workers": 1,
    "ranker": {
        "view": "raw",
        "backbone": "gcn",
        "members": 1,
        "hidden": 8,
        "layers": 2,
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 0.01,
        "dropout": 0.0,
        "weight_decay": 0.0,
    },
}
CONFIG = parse(SearchConfig, PARAMS)
TASK = ("cifar100", ["latency_ms <= 7"])


@pytest.fixture
def tables(
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
) -> tuple[Any, ...]:
    return small_graphs, architectures, accuracy, predictions


def without_times(history: pd.DataFrame) -> pd.DataFrame:
    return history.drop(columns="asked_at")


def test_search_keeps_its_budget_and_its_constraint(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    history, ranker = search_architecture(*tables, tmp_path, *TASK, PARAMS)
    assert len(history) == 12
    assert history["predicted_latency_ms"].max() <= 7
    assert isinstance(ranker, BinaryRelationPredictor)
    scores = ranker.score(tables[0].view(ranker.view))
    assert np.isfinite(scores).all()
    assert scores.std() > 0


def test_search_resumes_from_a_torn_store(tables: tuple[Any, ...], tmp_path: Path) -> None:
    whole, _ = search_architecture(*tables, tmp_path / "a", *TASK, PARAMS)
    search_architecture(*tables, tmp_path / "b", *TASK, PARAMS)
    (store,) = (tmp_path / "b").iterdir()
    lines = store.read_bytes().splitlines(keepends=True)
    store.write_bytes(b"".join(lines[:6]) + lines[6][:10])
    resumed, _ = search_architecture(*tables, tmp_path / "b", *TASK, PARAMS)
    pd.testing.assert_frame_equal(without_times(resumed), without_times(whole))
    assert len(list((tmp_path / "b").iterdir())) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"rounds": 2},
        {"ranker": {**PARAMS["ranker"], "hidden": 9}},
        {"ranker": {**PARAMS["ranker"], "view": "pruned"}},
    ],
)
def test_other_parameters_start_a_store_of_their_own(
    tables: tuple[Any, ...], tmp_path: Path, change: dict[str, Any]
) -> None:
    for params in (PARAMS, PARAMS | change, PARAMS):
        search_architecture(*tables, tmp_path, *TASK, params)
    assert len(list(tmp_path.iterdir())) == 2


def test_larger_budget_goes_on_in_the_same_store(tables: tuple[Any, ...], tmp_path: Path) -> None:
    params = PARAMS | {"repeats": 0}
    first, _ = search_architecture(*tables, tmp_path, *TASK, params)
    second, _ = search_architecture(*tables, tmp_path, *TASK, params | {"budget": 15})
    assert second["arch_id"].tolist()[:12] == first["arch_id"].tolist()
    assert len(second) == 15
    assert len(list(tmp_path.iterdir())) == 1


def test_other_answers_are_another_task(tables: tuple[Any, ...], tmp_path: Path) -> None:
    graphs, architectures, accuracy, predictions = tables
    search_architecture(*tables, tmp_path, *TASK, PARAMS)
    better = accuracy.assign(accuracy=accuracy["accuracy"] + 0.01)
    search_architecture(graphs, architectures, better, predictions, tmp_path, *TASK, PARAMS)
    assert len(list(tmp_path.iterdir())) == 2


def test_summary_is_scored_by_test_means_and_is_json(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    history, _ = search_architecture(*tables, tmp_path, *TASK, PARAMS)
    result = summarise_search(*tables[1:], history, *TASK, PARAMS)
    json.dumps(result, allow_nan=False)
    chosen, accuracy = result["chosen"], tables[2]
    rows = accuracy[(accuracy["arch_id"] == chosen["arch_id"]) & (accuracy["split"] == "test")]
    assert chosen["test_accuracy"] == rows.loc[rows["seed"].isna(), "accuracy"].item()
    assert chosen["regret"] == pytest.approx(
        chosen["optimum_test_accuracy"] - chosen["test_accuracy"]
    )
    assert chosen["predicted_latency_ms"] <= 7
    assert result["leaders"][0]["arch_id"] == chosen["arch_id"]
    assert (result["queries"], result["failed"]) == (12, 0)


def test_comparison_traces_every_sampler_and_seed(tables: tuple[Any, ...], tmp_path: Path) -> None:
    history, _ = search_architecture(*tables, tmp_path, *TASK, PARAMS)
    traces = compare_samplers(*tables, history, *TASK, PARAMS)
    counts = traces.groupby(["sampler", "seed"])["query"].agg(["size", "max"])
    assert sorted(counts.index) == [(s, i) for s in ("brp", "evolution", "random") for i in (0, 1)]
    assert (counts == [12, 11]).all(axis=None)
    own = compare_samplers(*tables, history, *TASK, PARAMS | {"comparison_seeds": 0})
    assert own[["sampler", "seed"]].drop_duplicates().to_numpy().tolist() == [["brp", 0]]
    same = traces[(traces["sampler"] == "brp") & (traces["seed"] == 0)]
    assert same["chosen_test"].tolist() == own["chosen_test"].tolist()


def test_infeasible_constraint_and_large_budget(tables: tuple[Any, ...], tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match="latency_ms <= 0"):
        search_architecture(*tables, tmp_path, "cifar100", ["latency_ms <= 0.1"], PARAMS)
    with pytest.raises(BudgetError, match="5000"):
        search_architecture(*tables, tmp_path, *TASK, PARAMS | {"budget": 5000})


@pytest.mark.parametrize("view", VIEWS)
def test_ranker_reads_the_configured_view(
    tables: tuple[Any, ...], tmp_path: Path, view: View
) -> None:
    params = PARAMS | {"ranker": {**PARAMS["ranker"], "view": view}}
    history, ranker = search_architecture(*tables, tmp_path, *TASK, params)
    context = make_context(*tables[:2], tables[3], TASK[1], parse(SearchConfig, params))
    assert ranker.view == view
    np.testing.assert_array_equal(context.graphs.adj, tables[0].view(view).adj)
    # What the search hands over is what training on its answers in that view gives.
    again = BinaryRelationPredictor(ranker.config, ranker.members, view)
    means = history.groupby("arch_id", sort=False)["accuracy"].mean()
    seen = tables[0].view(view)[tables[0].rows(means.index.tolist())]
    again.fit(seen, means.to_numpy(), integer_seed(0, "ranker", len(history)))
    np.testing.assert_allclose(
        ranker.score(tables[0].view(view)), again.score(tables[0].view(view)), rtol=1e-5
    )


def test_metrics_are_in_the_order_of_the_graphs(tables: tuple[Any, ...]) -> None:
    graphs, architectures, _, predictions = tables
    shuffled = architectures.sample(frac=1, random_state=0)
    metrics = predicted_metrics(shuffled, predictions[::-1], graphs.arch_ids)
    np.testing.assert_allclose(metrics["latency_ms"], predictions["predicted_latency_ms"])
    np.testing.assert_allclose(metrics["params_m"], architectures["params_m"])
    assert make_context(graphs, shuffled, predictions, TASK[1], CONFIG).feasible.any()
    with pytest.raises(SchemaError, match="run train again"):
        predicted_metrics(architectures, predictions.iloc[1:], graphs.arch_ids)


def test_pipeline_runs_alone_on_existing_inputs(tables: tuple[Any, ...], tmp_path: Path) -> None:
    names = ("space_graphs", "architectures", "accuracy", "latency_predictions")
    given = dict(zip(names, tables, strict=True)) | {
        "search_store": tmp_path,
        "params:dataset": TASK[0],
        "params:constraints": TASK[1],
        "params:search": PARAMS | {"comparison_seeds": 0},
    }
    made = ("search_history", "relation_predictor", "search_result", "search_traces")
    catalog = DataCatalog(
        {name: MemoryDataset(value, copy_mode="assign") for name, value in given.items()}
        | {name: MemoryDataset(copy_mode="assign") for name in made}
    )
    SequentialRunner().run(create_pipeline(), catalog)
    winner = catalog["search_result"].load()["chosen"]["arch_id"]
    assert winner == catalog["search_traces"].load()["chosen"].iloc[-1]
