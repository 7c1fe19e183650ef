from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from brpnas.candidates import TrainedNetworkFile, accuracy_table
from brpnas.datasets import fetch_group, list_architectures
from brpnas.devices import Device
from brpnas.errors import (
    AnswersPendingError,
    BudgetError,
    ConfigurationError,
    InfeasibleError,
    SchemaError,
)
from brpnas.graphs import VIEWS, SpaceGraphs, View
from brpnas.measure import describe_device, probe, time_cell
from brpnas.predictors import (
    MeasuredRows,
    MetricPredictor,
    PairwiseRanker,
    TrainingConfig,
    fit_metric,
)
from brpnas.search import ListedPool, chosen
from brpnas.search.seeding import integer_seed
from brpnas.spaces import get_space
from pipelines.config import TimingConfig, parse
from pipelines.measuring import measure_settings
from pipelines.network import network_config
from pipelines.search import create_pipeline
from tests.pipelines.parameters import changed
from tests.pipelines.search.stage import (
    IMAGES,
    NETWORK,
    PARAMS,
    SPACE,
    TASK,
    TIMING,
    TRAINING,
    after,
    never,
    run,
    search,
    stage,
    summarise,
)
from tests.pipelines.toys import SMALL


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


def this_machine() -> dict[str, Device]:
    """The device of the predictions, as if it had been measured here."""
    settings = measure_settings(parse(TimingConfig, TIMING), SPACE, network_config(NETWORK))
    return {"toy-device": describe_device(probe(settings), settings, "toy-device")}


def within(predictions: pd.DataFrame, limit: float) -> set[str]:
    """Architectures within a limit, as measured where the predictor was fitted to that."""
    fitted = predictions["split"].isin(["train", "valid"])
    latency = predictions["measured"].where(fitted, predictions["predicted"])
    return set(predictions.loc[latency <= limit, "arch_id"])


def without_times(history: pd.DataFrame) -> pd.DataFrame:
    return history.drop(columns="asked_at")


def test_only_what_the_table_answers_is_asked(tables: tuple[Any, ...], tmp_path: Path) -> None:
    """A small table of one's own: no query is spent on cells that nobody trained."""
    graphs, architectures, accuracy, predictions, predictor = tables
    some = architectures.drop_duplicates("isomorphism_id")["arch_id"][:60]
    few = accuracy[accuracy["arch_id"].isin(some)]
    history, *_ = run((graphs, architectures, few, predictions, predictor), tmp_path)
    assert (history["status"] == "ok").all()
    assert set(history["arch_id"]) <= set(some)
    fewer = accuracy[accuracy["arch_id"].isin(some[:3])]
    with pytest.raises(BudgetError, match="budget"):
        run((graphs, architectures, fewer, predictions, predictor), tmp_path)


def test_search_keeps_its_budget_and_its_constraint(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    history, measurements, ranker, *_ = run(tables, tmp_path)
    assert measurements.empty
    assert len(history) == 12
    assert history["arch_id"].isin(within(tables[3], 7)).all()
    assert isinstance(ranker, PairwiseRanker)
    scores = ranker.score(tables[0].view(ranker.view))
    assert np.isfinite(scores).all()
    assert history["leader"].iloc[-1] == chosen(history)
    by_answers = run(tables, tmp_path / "other", search(sampler={"choose_by": "answers"}))[0]
    assert by_answers["leader"].isna().all()
    assert scores.std() > 0


def test_search_resumes_from_a_torn_store(tables: tuple[Any, ...], tmp_path: Path) -> None:
    whole = run(tables, tmp_path / "a")[0]
    run(tables, tmp_path / "b")
    (store,) = (tmp_path / "b").glob("*.jsonl")
    lines = store.read_bytes().splitlines(keepends=True)
    store.write_bytes(b"".join(lines[:6]) + lines[6][:10])
    resumed = run(tables, tmp_path / "b")[0]
    pd.testing.assert_frame_equal(without_times(resumed), without_times(whole))
    assert len(list((tmp_path / "b").glob("*.jsonl"))) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"budget": {"rounds": 2}},
        {"sampler": {"ranker": {"hidden": 9}}},
        {"sampler": {"ranker": {"view": "pruned"}}},
    ],
)
def test_other_parameters_start_a_store_of_their_own(
    tables: tuple[Any, ...], tmp_path: Path, change: dict[str, Any]
) -> None:
    for params in (PARAMS, search(**change), PARAMS):
        run(tables, tmp_path, params)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_larger_budget_goes_on_in_the_same_store(tables: tuple[Any, ...], tmp_path: Path) -> None:
    first = run(tables, tmp_path, search(budget={"reevaluations": 0}))[0]
    more = search(budget={"reevaluations": 0, "queries": 15})
    second = run(tables, tmp_path, more)[0]
    assert second["arch_id"].tolist()[:12] == first["arch_id"].tolist()
    assert len(second) == 15
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


def test_other_answers_are_another_task(tables: tuple[Any, ...], tmp_path: Path) -> None:
    graphs, architectures, accuracy, predictions, predictor = tables
    run(tables, tmp_path)
    better = accuracy.assign(accuracy=accuracy["accuracy"] + 0.01)
    run((graphs, architectures, better, predictions, predictor), tmp_path)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2


def test_summary_is_scored_by_test_means_and_is_json(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    result = summarise(tables, run(tables, tmp_path))
    json.dumps(result, allow_nan=False)
    chosen, held_out, accuracy = result["chosen"], result["held_out"], tables[2]
    rows = accuracy[(accuracy["arch_id"] == chosen["arch_id"]) & (accuracy["split"] == "test")]
    assert held_out["test_accuracy"] == rows.loc[rows["seed"].isna(), "accuracy"].item()
    assert held_out["regret"] == pytest.approx(
        held_out["optimum_test_accuracy"] - held_out["test_accuracy"]
    )
    assert result["known"]["predicted_latency_ms"] <= 7
    assert result["leaders"][0]["arch_id"] == chosen["arch_id"]
    assert (result["queries"], result["failed"]) == (12, 0)


def test_the_result_holds_the_groups_that_decide_it(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    """`export` reads the result: it runs again only after a change of what it reads."""
    found = run(tables, tmp_path)
    result = summarise(tables, found)
    assert result["task"] == {
        **{"space": SPACE, "dataset": "cifar100", "constraints": ["latency_ms <= 7"]},
        "objectives": ["accuracy"],
        **{name: PARAMS[name] for name in PARAMS if name not in ("report", "workers")},
    }
    assert summarise(tables, found, search(report={"comparison_seeds": 9}, workers=3)) == result


@pytest.mark.parametrize("choose_by", ["answers", "ranker"])
def test_what_was_asked_beyond_the_constraint_is_learnt_from_and_not_chosen(
    tables: tuple[Any, ...], tmp_path: Path, choose_by: str
) -> None:
    params = search(
        budget={"reevaluations": 0}, sampler={"infeasible_share": 0.4, "choose_by": choose_by}
    )
    latency = tables[3]["predicted"].to_numpy()
    limit = float(np.quantile(latency, 0.4))
    task = (SPACE, "cifar100", [f"latency_ms <= {limit:.17g}"])
    found = run(tables, tmp_path, params, task)
    history = found[0]
    over = history["predicted_latency_ms"] > limit
    assert 0 < over.sum() <= 4
    assert history["feasible"].equals(~over)
    result = summarise(tables, found, params, task)
    assert result["infeasible"] == over.sum()
    assert result["known"]["predicted_latency_ms"] <= limit
    assert {row["arch_id"] for row in result["leaders"]} <= set(history["arch_id"][~over])
    traces = after(tables, found, params, task)["search_traces"]
    chosen_by_brp = set(traces.loc[traces["sampler"] == "brp", "chosen"].dropna())
    assert chosen_by_brp <= set(np.array(tables[0].arch_ids)[latency <= limit])


def test_comparison_traces_every_sampler_and_seed(tables: tuple[Any, ...], tmp_path: Path) -> None:
    found = run(tables, tmp_path)
    assert found[3].empty
    assert found[4] == b""
    traces = after(tables, found)["search_traces"]
    counts = traces.groupby(["sampler", "seed"])["query"].agg(["size", "max"])
    assert sorted(counts.index) == [(s, i) for s in ("brp", "evolution", "random") for i in (0, 1)]
    assert (counts == [12, 11]).all(axis=None)
    own = after(tables, found, search(report={"comparison_seeds": 0}))["search_traces"]
    assert own[["sampler", "seed"]].drop_duplicates().to_numpy().tolist() == [["brp", 0]]
    same = traces[(traces["sampler"] == "brp") & (traces["seed"] == 0)]
    assert same["chosen_test"].tolist() == own["chosen_test"].tolist()


def test_infeasible_constraint_and_large_budget(tables: tuple[Any, ...], tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match="latency_ms <= 0"):
        run(tables, tmp_path, given=(SPACE, "cifar100", ["latency_ms <= 0.1"]))
    with pytest.raises(BudgetError, match="5000"):
        run(tables, tmp_path, search(budget={"queries": 5000}))


@pytest.mark.parametrize("view", VIEWS)
def test_ranker_reads_the_configured_view(
    tables: tuple[Any, ...], tmp_path: Path, view: View
) -> None:
    params = search(sampler={"ranker": {"view": view}})
    history, _, ranker, *_ = run(tables, tmp_path, params)
    pool = stage(tables, tmp_path, params)["candidate_pool"]
    assert isinstance(pool, ListedPool)
    assert ranker.view == view
    np.testing.assert_array_equal(pool.graphs.adj, tables[0].view(view).adj)
    # What the search hands over is what training on its answers in that view gives.
    again = PairwiseRanker(ranker.config, ranker.members, view)
    means = history.groupby("arch_id", sort=False)["accuracy"].mean()
    seen = tables[0].view(view)[tables[0].rows(means.index.tolist())]
    again.fit(seen, means.to_numpy(), integer_seed(0, "ranker", len(history)))
    np.testing.assert_allclose(
        ranker.score(tables[0].view(view)), again.score(tables[0].view(view)), rtol=1e-5
    )


def test_metrics_are_in_the_order_of_the_graphs(tables: tuple[Any, ...], tmp_path: Path) -> None:
    graphs, architectures, _, predictions, _ = tables
    shuffled = architectures.sample(frac=1, random_state=0)
    given = (graphs, shuffled, tables[2], predictions[::-1], tables[4])
    pool = stage(given, tmp_path)["candidate_pool"]
    np.testing.assert_allclose(pool.predicted["latency_ms"], predictions["predicted"])
    listed = list_architectures(graphs.arch_ids, network=SMALL).set_index("arch_id")
    for name in ("params_m", "flops_m"):
        np.testing.assert_allclose(pool.predicted[name], listed.loc[list(graphs.arch_ids), name])
    assert pool.feasible.any()
    fewer = (*tables[:3], predictions.iloc[1:], tables[4])
    with pytest.raises(
        SchemaError, match=r"`predictions` .* 1 of 120 .*\|avg_pool_3x3~0\|.*\btrain\b"
    ):
        stage(fewer, tmp_path)["search_limits"]


def test_costs_are_those_of_the_network_of_this_search(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    """Not those of the network that `ingest` listed, which may have been another."""
    wide = NETWORK | {"channels": 16}
    graphs, _, *rest = tables
    listed = list_architectures(graphs.arch_ids, network=network_config(wide))
    given = (graphs, listed, *rest)
    small = get_space(SPACE).cost(list(graphs.arch_ids), SMALL)[1] / 1e6
    limit = float(np.median(small))
    assert (listed["flops_m"] > limit).all(), "none would be feasible"
    task = (SPACE, "cifar100", [f"flops_m <= {limit}"])
    found = run(given, tmp_path, given=task)
    true = dict(zip(graphs.arch_ids, small, strict=True))
    for row in found[0].itertuples():
        assert row.predicted_flops_m == pytest.approx(true[row.arch_id])
    result = summarise(given, found, given=task)
    assert result["feasible"] == (small <= limit).sum()
    assert result["chosen"]["flops_m"] == pytest.approx(true[result["chosen"]["arch_id"]])


def test_pipeline_runs_alone_on_existing_inputs(tables: tuple[Any, ...], tmp_path: Path) -> None:
    names = (
        "space_graphs",
        "architectures",
        "accuracy",
        "predictions",
        "predictors",
    )
    given = dict(zip(names, tables, strict=True)) | {
        "published_nasbench301": never,
        "search_store": tmp_path,
        "measured_devices": {},
        "answers_by_hand": tmp_path,
        "params:network": NETWORK,
        "params:images": IMAGES,
        "params:network_training": TRAINING,
        "params:timing": TIMING,
        "params:space": TASK[0],
        "params:dataset": TASK[1],
        "params:constraints": TASK[2],
        "params:objectives": ["accuracy"],
        "params:search": search(report={"comparison_seeds": 0}),
    }
    made = create_pipeline().all_outputs()
    catalog = DataCatalog(
        {name: MemoryDataset(value, copy_mode="assign") for name, value in given.items()}
        | {name: MemoryDataset(copy_mode="assign") for name in made}
    )
    SequentialRunner().run(create_pipeline(), catalog)
    winner = catalog["search_result"].load()["chosen"]["arch_id"]
    assert winner == catalog["search_traces"].load()["chosen"].iloc[-1]


def test_a_search_by_known_latencies_keeps_the_limit_truly(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    """A prediction that is 20 % too low on average: by itself it would break the limit."""
    graphs, architectures, accuracy, predictions, predictor = tables
    said = predictions["predicted"].to_numpy()
    rng = np.random.default_rng(0)
    truth = said * rng.uniform(0.9, 1.5, len(said))
    truth[::10] = np.nan  # never measured
    split = np.where(np.arange(len(said)) % 3 == 1, "valid", "test")
    table = predictions.assign(measured=truth, split=split)
    table.loc[table["measured"].isna(), "split"] = "test"
    known = (graphs, architectures, accuracy, table, predictor)
    params = search(limits={"source": "table", "confidence": 0.9})
    found = run(known, tmp_path, params)
    history, measurements = found[:2]
    measured = table.set_index("arch_id")["measured"]
    asked = measured[history["arch_id"]]
    looked_up = history["latency_ms"].notna().to_numpy()
    assert not (asked[looked_up] > 7).any()
    assert history["latency_ms"][looked_up].tolist() == pytest.approx(asked[looked_up].tolist())
    refused = measurements[~measurements["within"]]
    assert (measured[refused["arch_id"]] > 7).any()
    assert not history.loc[history["arch_id"].isin(refused["arch_id"]), "feasible"].any()
    result = summarise(known, found, params)
    json.dumps(result, allow_nan=False)
    assert (result["measured"], result["refused"]) == (len(measurements), len(refused))
    assert result["sources"] == {"latency_ms": "table"}
    assert not measured[result["chosen"]["arch_id"]] > 7
    chosen = result["held_out"]
    # The optimum is that of the cells that keep the limit, not of all that might have.
    tests = accuracy[(accuracy["split"] == "test") & accuracy["seed"].isna()]
    tests = tests[tests["dataset"] == "cifar100"].set_index("arch_id")["accuracy"]
    best = tests[[a for a in table["arch_id"] if measured[a] <= 7 and a in tests.index]].max()
    assert chosen["optimum_test_accuracy"] >= best
    over = tests[[a for a in table["arch_id"] if measured[a] > 7 and a in tests.index]]
    assert over.max() > chosen["optimum_test_accuracy"], "all could be asked, so nothing was tested"
    traces = after(known, found, changed(params, {"report": {"comparison_seeds": 1}}))[
        "search_traces"
    ]
    last = traces.groupby("sampler")["chosen"].last()
    assert not (measured[last] > 7).any()
    own = traces[traces["sampler"] == "brp"]["chosen_test"]
    assert own.iloc[-1] == chosen["test_accuracy"]
    # Without a limit on latency nothing needs to be measured.
    free = run(known, tmp_path, params, (SPACE, "cifar100", ["flops_m <= 100"]))
    assert free[1].empty


def test_a_search_on_this_machine_measures_before_it_asks(
    tables: tuple[Any, ...], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The limit is one that about half of the networks keep here, whatever was predicted."""
    settings = measure_settings(parse(TimingConfig, TIMING), SPACE, network_config(NETWORK))
    graphs, architectures, accuracy, predictions, predictor = tables
    some = [time_cell(a, settings).latency_ms for a in graphs.arch_ids[:7]]
    limit = float(np.median(some))
    scale = limit / predictions["predicted"].median()
    noise = np.random.default_rng(0).lognormal(0, 0.7, len(predictions))
    table = predictions.assign(
        predicted=predictions["predicted"] * scale,
        measured=predictions["predicted"] * scale * noise,
    )
    # Known rows are over the limit: what is found was measured here.
    slowest = table["measured"].rank(ascending=False) <= 20
    table["split"] = np.where(slowest, "valid", "test")
    known = (graphs, architectures, accuracy, table, predictor)
    task = (SPACE, "cifar100", [f"latency_ms <= {limit}"])
    params = search(
        budget={"reevaluations": 0, "queries": 8}, limits={"source": "device", "confidence": 0.9}
    )
    found = run(known, tmp_path, params, task)
    history, measurements = found[:2]
    feasible = history[history["feasible"]]
    assert not (feasible["latency_ms"] > limit).any()
    assert feasible["latency_ms"].notna().any()
    assert 0 < len(measurements) <= 100
    assert (measurements["latency_ms"] > 0).all()
    assert {r.name for r in caplog.records if r.levelname == "WARNING"} == {"pipelines.measuring"}
    result = summarise(known, found, params, task)
    assert result["known"]["latency_ms"] is None, "which is of the other device"
    assert result["latencies"]["known"]["ms"] <= limit
    assert result["latencies"]["known"]["of"]["device"] != "toy-device"
    assert result["held_out"]["optimum_test_accuracy"] is None, "nobody measured all"
    mine = summarise(known, found, params, task, this_machine())
    assert mine["known"]["latency_ms"] == result["latencies"]["known"]["ms"]
    assert mine["latencies"]["known"]["of"]["device"] == "toy-device"
    traces = after(known, found, params, task)["search_traces"]
    assert traces["sampler"].unique().tolist() == ["brp"], "others would have to be measured too"
    # A complete store is only read: nothing is measured again.
    again = run(known, tmp_path, params, task)
    pd.testing.assert_frame_equal(again[0], history)
    pd.testing.assert_frame_equal(again[1], measurements)
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


def test_trainings_in_flight_may_not_disturb_measurements_here(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    live = (*tables[:2], accuracy_table([], "digits", 1), *tables[3:])
    params = changed(LIVE, {"parallel": 2, "limits": {"source": "device", "confidence": 0.9}})
    with pytest.raises(ConfigurationError, match=r"search\.parallel"):
        run(live, tmp_path, params, DIGITS)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.usefixtures("quick_export")
def test_a_live_search_with_trainings_in_flight(tables: tuple[Any, ...], tmp_path: Path) -> None:
    live = (*tables[:2], accuracy_table([], "digits", 1), *tables[3:])
    params = changed(LIVE, {"parallel": 2})
    history = run(live, tmp_path, params, DIGITS)[0]
    assert (history["status"] == "ok").all()
    assert history["query"].tolist() == list(range(6))
    assert history["isomorphism_id"].is_unique
    run(live, tmp_path, LIVE, DIGITS)
    assert len(list(tmp_path.glob("*.jsonl"))) == 2, "a search in rounds is another"


def test_a_comparison_has_evaluations_in_flight_too(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    params = search(parallel=3, report={"comparison_seeds": 1})
    found = run(tables, tmp_path, params)
    traces = after(tables, found, params)["search_traces"]
    own = traces[traces["sampler"] == "brp"]
    assert own["best_valid"].tolist() == found[0]["accuracy"].cummax().tolist()


LIVE = search(
    budget={"queries": 6, "reevaluations": 0},
    oracle={"name": "train"},
)
DIGITS = (SPACE, "digits", ["latency_ms <= 7"])


@pytest.mark.usefixtures("quick_export")
def test_live_search_trains_resumes_and_measures(tables: tuple[Any, ...], tmp_path: Path) -> None:
    nothing = accuracy_table([], "digits", 1)
    live = (*tables[:2], nothing, *tables[3:])
    found = run(live, tmp_path, LIVE, DIGITS)
    history, _, _, trained, winner = found
    assert (history["status"] == "ok").all()
    assert set(trained["split"]) == {"valid", "test"}
    valid = trained[trained["split"] == "valid"].set_index("arch_id")["accuracy"]
    assert history["accuracy"].tolist() == valid[history["arch_id"]].tolist()
    result = summarise(live, found, LIVE, DIGITS, this_machine())
    json.dumps(result, allow_nan=False)
    chosen, knew = result["chosen"], result["known"]
    file = TrainedNetworkFile.from_bytes(winner)
    assert (file.arch_id, file.final) == (chosen["arch_id"], True)
    assert file.test_accuracy is None, "of this training it is measured once, on the exported file"
    assert file.valid_accuracy == knew["valid_accuracy"]
    assert knew["valid_balanced_accuracy"] != knew["valid_accuracy"]
    assert not [name for name in chosen if "accuracy" in name], "is of another training"
    assert set(history["metric"]) == {result["task"]["oracle"]["metric"]} == {"accuracy"}
    assert result["held_out"]["regret"] is None, "the optimum is not known"
    compared = changed(LIVE, {"report": {"comparison_seeds": 2}})
    traces = after(live, found, compared, DIGITS)["search_traces"]
    assert traces["sampler"].unique().tolist() == ["brp"]

    # A store that was cut off goes on, with networks that are kept and so not trained again.
    (store,) = tmp_path.glob("*.jsonl")
    lines = store.read_bytes().splitlines(keepends=True)
    store.write_bytes(b"".join(lines[:4]))
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    again = run(live, tmp_path, LIVE, DIGITS)
    pd.testing.assert_frame_equal(without_times(again[0]), without_times(history))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == times


@pytest.mark.usefixtures("quick_export")
def test_trainings_that_stop_early_are_not_delivered(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    live = (*tables[:2], accuracy_table([], "digits", 1), *tables[3:])
    params = changed(LIVE, {"budget": {"queries": 24, "rounds": 6}, "early_stopping": True})
    training = {"params:network_training": {**TRAINING, "epochs": 4}}
    found = run(live, tmp_path, params, DIGITS, **training)
    history, trained, winner = found[0], found[3], found[4]
    is_stopped = history["status"] == "stopped"
    assert 0 < is_stopped.sum() <= 24 - 8
    assert set(trained["arch_id"]) == set(history["arch_id"][~is_stopped])
    assert len(list(tmp_path.rglob("*.safetensors"))) == 24 - is_stopped.sum() + 1, "and the final"
    result = summarise(live, found, params, DIGITS, this_machine())
    assert TrainedNetworkFile.from_bytes(winner).arch_id == result["chosen"]["arch_id"]
    assert result["stopped"] == is_stopped.sum()
    assert result["epochs"] == {"trained": history["epochs"].sum(), "to_the_end": 96}
    assert result["epochs"]["trained"] < 96


def test_a_search_by_balanced_accuracy_says_so_and_trains_nothing_again(
    tables: tuple[Any, ...], tmp_path: Path
) -> None:
    live = (*tables[:2], accuracy_table([], "digits", 1), *tables[3:])
    params = search(
        budget={"queries": 4, "rounds": 2, "reevaluations": 0},
        sampler={"name": "random"},
        oracle={"name": "train", "final_training": False},
    )
    run(live, tmp_path, params, DIGITS)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")}
    balanced = changed(params, {"oracle": {"metric": "balanced_accuracy"}})
    found = run(live, tmp_path, balanced, DIGITS)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.safetensors")} == kept
    assert len(list(tmp_path.glob("*.jsonl"))) == 2, "another search"
    history, trained = found[0], found[3]
    valid = trained[trained["split"] == "valid"].set_index("arch_id")
    answers = history.set_index("arch_id")["accuracy"]
    assert answers.to_dict() == valid["balanced_accuracy"].to_dict()
    assert set(history["metric"]) == {"balanced_accuracy"}
    result = summarise(live, found, balanced, DIGITS)
    winner, chosen = result["chosen"]["arch_id"], result["known"] | result["held_out"]
    assert result["task"]["oracle"]["metric"] == "balanced_accuracy"
    assert chosen["valid_balanced_accuracy"] == answers[winner]
    assert chosen["valid_accuracy"] == valid.loc[winner, "accuracy"]
    assert result["leaders"][0]["valid_balanced_accuracy"] == answers.max()
    file = TrainedNetworkFile.from_bytes(found[4])
    assert not file.final
    assert (
        chosen["best_test_seen"] == trained["balanced_accuracy"][trained["split"] == "test"].max()
    )
    assert file.test_balanced_accuracy == chosen["test_balanced_accuracy"]


def test_images_of_another_name_are_refused(tables: tuple[Any, ...], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"'cifar100', .*'train' .*'digits'.*\bnull\b"):
        run(tables, tmp_path, LIVE, (SPACE, "cifar100", []))


def test_a_search_by_file_ends_and_goes_on(tables: tuple[Any, ...], tmp_path: Path) -> None:
    questions, answers = (tmp_path / "by_hand" / f"{name}.csv" for name in ("questions", "answers"))
    params = search(
        budget={"queries": 6, "reevaluations": 0},
        sampler={"choose_by": "answers"},
        oracle={"name": "file"},
    )
    rows: list[dict[str, object]] = []
    for _ in range(3):
        with pytest.raises(AnswersPendingError, match=r"questions\.csv"):
            run(tables, tmp_path / "store", params, DIGITS)
        for arch_id in pd.read_csv(questions)["arch_id"]:
            rows.append({"arch_id": arch_id, "accuracy": (7 * len(rows) % 11) / 11})
        pd.DataFrame(rows).to_csv(answers, index=False)
    found = run(tables, tmp_path / "store", params, DIGITS)
    assert len(found[0]) == len(rows) == 6
    result = summarise(tables, found, params, DIGITS)
    best = max(rows, key=lambda row: float(str(row["accuracy"])))["arch_id"]
    assert result["chosen"]["arch_id"] == best
    assert result["held_out"]["test_accuracy"] is None
    with_test = pd.DataFrame(rows).assign(test_accuracy=0.25)
    with_test.to_csv(answers, index=False)
    again = run(tables, tmp_path / "store", params, DIGITS)
    assert summarise(tables, again, params, DIGITS)["held_out"]["test_accuracy"] == 0.25


@pytest.mark.data
def test_a_search_in_a_space_too_large_to_list(mirror: Path, tmp_path: Path) -> None:
    """DARTS on the surrogate: most of what is asked was in no table, and there is no test."""
    space = get_space("darts")
    graphs = space.graphs(sorted(space.sample(np.random.default_rng(0), 60)))
    listed = list_architectures(graphs.arch_ids, space="darts")
    measured = 1 + graphs.view("raw").adj.sum(axis=(1, 2)) / 50
    train, valid = (MeasuredRows(r, measured[r]) for r in (np.arange(30), np.arange(30, 40)))
    tiny = TrainingConfig(hidden=8, layers=2, epochs=2)
    predictor = fit_metric(graphs, train, valid, tiny, view="raw", members=1)
    predictions = pd.DataFrame(
        {"arch_id": list(graphs.arch_ids), "device": "mine", "measured": measured}
    ).assign(
        metric="latency_ms",
        predicted=predictor.predict(graphs),
        precision="fp32",
        split="test",
        log_deviation=np.nan,
    )
    files = partial(fetch_group, "nasbench301", mirror=mirror, cache=tmp_path)
    limit = float(np.median(predictions["predicted"]))
    task = ("darts", "cifar10", [f"latency_ms <= {limit}"])
    nothing = accuracy_table([], "cifar10", 1)
    params = search(
        budget={"reevaluations": 0},
        sampler={"candidates": 40, "neighbours": 20, "choose_by": "answers"},
        oracle={"name": "surrogate"},
    )
    tables = (graphs, listed, nothing, predictions, {"latency_ms@mine": predictor})
    given = (tables, tmp_path / "store", params, task)
    found = run(*given, published_nasbench301=files)
    history, _, ranker, *_ = found
    assert len(history) == 12
    assert (history["status"] == "ok").all()
    assert set(history["arch_id"]) - set(graphs.arch_ids)
    assert history["predicted_latency_ms"].max() <= limit
    assert np.isfinite(ranker.score(graphs.view(ranker.view))).all()
    again = run(*given, published_nasbench301=files)[0]
    pd.testing.assert_frame_equal(again, history)
    result = summarise(tables, found, params, task)
    json.dumps(result, allow_nan=False)
    chosen = result["chosen"]
    assert result["known"]["valid_accuracy"] == history["accuracy"].max()
    assert result["held_out"]["test_accuracy"] is None
    small = space.cost([chosen["arch_id"]], network_config(NETWORK))
    assert (chosen["params_m"], chosen["flops_m"]) == pytest.approx([v[0] / 1e6 for v in small])
    assert result["network"]["accuracy_sizes"] == [space.published.size]
    assert result["latencies"]["predicted"]["of"]["size"] == space.published.size
    too_low = [f"latency_ms <= {predictions['predicted'].min() - 1e-9}"]
    others = summarise(tables, found, params, (*task[:2], too_low))
    assert others["feasible"] == 0, "of those listed; a search among others may find some"
    traces = after(tables, found, params, task, published_nasbench301=files)["search_traces"]
    assert set(traces["sampler"]) == {"brp", "evolution", "random"}
    assert traces["chosen_test"].isna().all()
    own = traces[(traces["sampler"] == "brp") & (traces["seed"] == 0)]
    assert own["best_valid"].tolist() == history["accuracy"].cummax().tolist()
