from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from brpnas.candidates import accuracy_table
from brpnas.spaces import NetworkConfig
from pipelines.evaluate import create_pipeline, nodes
from pipelines.evaluate.nodes import make_plots
from tests.pipelines.parameters import base
from tests.pipelines.search.stage import task
from tests.pipelines.stages import Stage
from tests.report.samples import (
    DEPLOYED,
    FRONT,
    INT8,
    LATENCY,
    front_table,
    network_evaluation,
    space_table,
    without_scripts,
)

PARAMS = base("evaluate", title="A <title> of mine", plot_points=10)
FIGURES = {"within_1": 0.2, "within_5": 0.7, "within_10": 0.9}
FIGURES |= {"spearman": 0.99, "kendall": 0.9, "mape": 0.05}
OWN: dict[str, Any] = {
    "metric": "latency_ms",
    "method": "networks",
    "known_devices": [],
    "scored": "test",
    "prior_knows_device": False,
    "transfer": "",
    "scored_rows": 57,
    "intervals": {"spearman": (0.9, 0.99), "within_10": (0.7, 0.9)},
    "device": "toy-device",
    "space": "nasbench201",
    "view": "raw",
    "members": 2,
    "model": "gcn",
    "rows": {"train": 30, "valid": 30, "test": 57},
    "metrics": {"gcn": FIGURES, "FLOPs": FIGURES | {"within_10": 0.1}},
}
OF_BOX = {"metric": "energy_mj", "device": "box"}
ENERGY = OWN | OF_BOX | {"metrics": {"gcn": FIGURES | {"spearman": 0.75}}}
TRAIN = {"latency_ms@toy-device": OWN, "energy_mj@box": ENERGY}
TASK_METRIC = {"metric": "latency_ms", "device": "toy-device"}

LOSSES = pd.DataFrame(
    {"member": [0], "epoch": [0], "train_loss": [1.0], "valid_loss": [3.0]}
).assign(**TASK_METRIC)


def train(changes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Figures of `train` with changes of the task's predictor."""
    return TRAIN | {"latency_ms@toy-device": OWN | changes}


UNTRAINED = {"trained": False, **DEPLOYED}
TASK: dict[str, Any] = {"constraints": ["latency_ms <= 7"], "budget": {"queries": 3, "rounds": 1}}


@pytest.fixture
def traces() -> pd.DataFrame:
    rows = [
        {
            "sampler": sampler,
            "seed": seed,
            "query": query,
            "best_valid": 0.6,
            "chosen_test": base + 0.01 * query + 0.02 * seed,
            "best_test_seen": 0.7,
            "best_single_seed_test_seen": np.nan,
            "regret": 0.1,
        }
        for sampler, base in {"brp": 0.6, "random": 0.5}.items()
        for seed in (0, 1)
        for query in (0, 1, 2)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def history(predictions: pd.DataFrame) -> pd.DataFrame:
    asked = predictions.head(3)
    return pd.DataFrame(
        {
            "query": [0, 1, 2],
            "round": 0,
            "arch_id": asked["arch_id"],
            "accuracy": [0.5, 0.6, np.nan],
            "predicted_latency_ms": asked["predicted"],
            "status": ["ok", "ok", "failed"],
        }
    )


@pytest.fixture
def result(history: pd.DataFrame) -> dict[str, Any]:
    held_out = {"test_accuracy": 0.58, "regret": 0.02, "best_test_seen": None}
    return {
        "task": task(**TASK),
        "front": None,
        "confidence": 0.9,
        "sources": {},
        "measured": 0,
        "refused": 0,
        "network": {"size": NetworkConfig().size},
        "chosen": {"arch_id": history["arch_id"].iloc[1]},
        "known": {"valid_accuracy": 0.6, "predicted_latency_ms": 3.0},
        "held_out": held_out,
    }


def answered(oracle: str, metric: str = "accuracy") -> dict[str, Any]:
    """The task with another oracle."""
    return {"task": task(**TASK, oracle={"name": oracle, "metric": metric})}


def of_choice(result: dict[str, Any], evaluation: dict[str, Any]) -> dict[str, Any]:
    """The evaluation of the network that the search has chosen, unless it says another."""
    own = {name: result[name] for name in ("chosen", "known", "held_out")}
    return {"found": {"member": None, **own}} | evaluation


_INPUTS = (
    "accuracy",
    "oracle_accuracy",
    "predictions",
    "train_history",
    "train_metrics",
    "search_history",
    "search_result",
    "network_evaluation",
    "search_traces",
    "ingest_report",
    "params:evaluate",
)


NO_FRONT = pd.DataFrame({"arch_id": [], "accuracy": [], "knee": []})


def make_report(*data: Any, front: pd.DataFrame = NO_FRONT) -> str:
    """The report from the inputs of the stage."""
    inputs = {**dict(zip(_INPUTS, data, strict=True)), "front": front}
    latency = inputs["predictions"]
    inputs["predictions"] = pd.concat([latency, latency.assign(**OF_BOX)], ignore_index=True)
    inputs["network_evaluation"] = of_choice(inputs["search_result"], inputs["network_evaluation"])
    page: str = Stage(create_pipeline(), inputs)["report"]
    return page


def make_metrics(
    train: dict[str, Any], result: dict[str, Any], evaluation: dict[str, Any], traces: pd.DataFrame
) -> dict[str, Any]:
    return nodes.make_metrics(train, result, of_choice(result, evaluation), traces)


def test_metrics_are_means_over_seeds_at_the_end(
    traces: pd.DataFrame, result: dict[str, Any]
) -> None:
    metrics = make_metrics(TRAIN, result, UNTRAINED, traces)
    json.dumps(metrics, allow_nan=False)
    own = {"latency_ms@toy-device": FIGURES, "energy_mj@box": FIGURES | {"spearman": 0.75}}
    assert metrics["predictors"] == own
    assert metrics["comparison"]["brp"]["chosen_test"] == pytest.approx(0.63)
    assert metrics["comparison"]["random"]["chosen_test"] == pytest.approx(0.53)
    assert metrics["search"]["test_accuracy"] == 0.58
    assert metrics["network"] == {"file_bytes": 12345}
    assert "best_test_seen" not in metrics["search"], "what is not known is not reported"


def test_plots_have_the_columns_that_dvc_draws(
    predictions: pd.DataFrame, traces: pd.DataFrame
) -> None:
    training = pd.DataFrame(
        {"member": [0, 1], "epoch": [0, 0], "train_loss": [1.0, 2.0], "valid_loss": [3.0, 5.0]}
    ).assign(**TASK_METRIC)
    plots = make_plots(predictions, training, traces, PARAMS)
    assert set(plots) == {"predicted_vs_measured", "training", "search"}
    assert len(plots["predicted_vs_measured"]) == 10
    assert list(plots["predicted_vs_measured"]) == ["measured_ms", "predicted_ms"]
    assert plots["training"].to_dict("records") == [
        {"epoch": 0, "train_loss": 1.5, "valid_loss": 4.0}
    ]
    assert plots["search"]["queries"].tolist() == [1, 2, 3]
    assert plots["search"]["brp"].iloc[-1] == pytest.approx(0.63)


def test_report_is_a_page_about_the_winner(
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    history: pd.DataFrame,
    result: dict[str, Any],
    traces: pd.DataFrame,
) -> None:
    source = {"group": "latbench", "url": "https://x.org/toy", "sha256": "0" * 64}
    ingest = {
        "near_twins": [{"devices": ["other-device", "toy-device"], "spearman": 0.997}],
        "sources": {"toy-device": source | {"licence": "CC0 of toys", "citation": "Toy 2020"}},
    }
    counts = predictions.dropna(subset=["measured"])["split"].value_counts().to_dict()
    training = pd.DataFrame(
        {"member": [0, 0], "epoch": [0, 1], "train_loss": [1.0, 0.5], "valid_loss": [1.0, 0.6]}
    ).assign(**TASK_METRIC)
    page = make_report(
        accuracy,
        accuracy_table([], "cifar100", 1),
        predictions,
        training,
        train({"rows": counts, "scored_rows": counts["test"]}),
        history,
        result,
        UNTRAINED,
        traces,
        ingest,
        PARAMS,
    )
    assert "A &lt;title&gt; of mine" in page
    assert "predicted energy (mJ)" in page, "each predictor is drawn"
    untested = make_report(
        accuracy.iloc[:0],
        accuracy_table([], "cifar100", 1),
        predictions,
        training,
        train({"rows": counts, "scored_rows": counts["test"]}),
        history,
        result | answered("file"),
        UNTRAINED,
        traces,
        ingest,
        PARAMS,
    )
    assert result["chosen"]["arch_id"] in untested, "a page also where no test accuracy is known"
    assert result["chosen"]["arch_id"] in page
    for text in ("toy-device", "other-device", "CC0 of toys", "latency_ms &lt;= 7"):
        assert text in page


def test_provenance_names_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_torch(name: str) -> str:
        if name == "torch":
            raise PackageNotFoundError(name)
        return version(name)

    assert set(nodes._versions("torch", "numpy")) == {"torch", "numpy"}
    monkeypatch.setattr(nodes, "version", without_torch)
    assert nodes._versions("torch", "numpy") == {"numpy": version("numpy")}


def test_without_test_accuracies_the_validation_accuracy_is_compared(
    predictions: pd.DataFrame, traces: pd.DataFrame, result: dict[str, Any]
) -> None:
    untested = traces.assign(chosen_test=np.nan, best_test_seen=np.nan, regret=np.nan)
    untested["best_valid"] = 0.5 + 0.01 * untested["query"]
    metrics = make_metrics(TRAIN, result, UNTRAINED, untested)
    json.dumps(metrics, allow_nan=False)
    assert metrics["comparison"]["brp"] == {"best_valid": pytest.approx(0.52)}
    training = LOSSES
    plot = make_plots(predictions, training, untested, PARAMS)["search"]
    assert plot["random"].tolist() == pytest.approx([0.5, 0.51, 0.52])


@pytest.mark.parametrize(
    ("oracle", "said"),
    [
        ("table", "table .*cifar100"),
        ("file", "hand .*cifar100"),
        ("surrogate", "surrogate .*cifar100"),
    ],
)
def test_whose_accuracies_are_shown_with_initial_weights(
    result: dict[str, Any], oracle: str, said: str
) -> None:
    (note,) = nodes._untrained(UNTRAINED, result | answered(oracle))
    assert re.search(said, note)
    assert nodes._untrained({"trained": True}, result) == []


def test_figures_of_other_networks_are_under_search_and_not_under_network(
    traces: pd.DataFrame, result: dict[str, Any]
) -> None:
    """Of a search whose limit is of int8 networks, and one that another device measured."""
    elsewhere = UNTRAINED | {"latency": {**LATENCY, "latency_elsewhere_ms": 9.0}}
    found = result | {"known": result["known"] | {"latency_ms": 2.75}}
    metrics = make_metrics(TRAIN, found, elsewhere, traces)
    assert metrics["network"] == {"file_bytes": 12345}
    assert metrics["search"]["latency_ms"] == 2.75
    assert metrics["search"]["predicted_latency_ms"] == 3.0


def test_a_winner_that_is_not_listed_is_drawn(
    predictions: pd.DataFrame, history: pd.DataFrame, result: dict[str, Any], traces: pd.DataFrame
) -> None:
    """A search in a space too large to list asks for architectures that no table holds."""
    winner = result["chosen"]["arch_id"]
    listed = predictions[predictions["arch_id"] != winner]
    counts = listed.dropna(subset=["measured"])["split"].value_counts().to_dict()
    untested = traces.assign(chosen_test=np.nan, best_test_seen=np.nan, regret=np.nan)
    found = result | answered("surrogate") | {"held_out": {"test_accuracy": None}}
    page = make_report(
        accuracy_table([], "cifar100", 1),
        accuracy_table([], "cifar100", 1),
        listed,
        LOSSES,
        train({"rows": counts, "scored_rows": counts["test"]}),
        history,
        found,
        UNTRAINED,
        untested,
        {"near_twins": [], "sources": {}},
        PARAMS,
    )
    assert re.search("2 architectures .*validation accuracy", page)
    assert "58.00 %" not in page
    assert not re.search(r"\bnan\b", without_scripts(page), re.IGNORECASE)


def test_the_front_is_that_of_a_search_with_several_objectives(
    history: pd.DataFrame, result: dict[str, Any], traces: pd.DataFrame
) -> None:
    front = front_table(space_table())
    one = nodes.report_search(history, result, of_choice(result, UNTRAINED), traces, front)
    assert (one["front"], one["front_figures"]) == (None, {})
    several = nodes.report_search(
        history, result | {"front": FRONT}, of_choice(result, UNTRAINED), traces, front
    )
    assert several["front"].equals(front)
    assert several["front_figures"] == FRONT


def test_scores_are_those_of_the_exported_file_where_it_is_trained(
    predictions: pd.DataFrame, history: pd.DataFrame, result: dict[str, Any], traces: pd.DataFrame
) -> None:
    network = network_evaluation() | {"latency": {**LATENCY, "latency_ms": 2.5}}
    metrics = make_metrics(TRAIN, result, network, traces)
    json.dumps(metrics, allow_nan=False)
    assert metrics["network"] == {
        "file_bytes": 12345,
        "latency_ms": 2.5,
        "test_accuracy": 0.75,
        "test_balanced_accuracy": pytest.approx(2 / 3),
        "test_images": 20,
        "largest_class_share": 0.5,
        "classes_never_recognised": 1,
    }
    assert metrics["search"]["valid_accuracy"] == 0.6
    assert "test_accuracy" not in metrics["search"], "which is of another training"
    assert set(metrics["comparison"]["brp"]) == {"best_valid"}, "for the same reason"
    balanced = make_metrics(TRAIN, result | answered("table", "balanced_accuracy"), network, traces)
    assert set(balanced["comparison"]["brp"]) == {"best_valid_balanced_accuracy"}
    counts = predictions.dropna(subset=["measured"])["split"].value_counts().to_dict()
    trained = accuracy_table([], "cifar100", 1).assign(balanced_accuracy=[])
    page = make_report(
        trained,
        trained,
        predictions,
        LOSSES,
        train({"rows": counts, "scored_rows": counts["test"]}),
        history,
        result | answered("train", "balanced_accuracy"),
        network,
        traces,
        {"near_twins": [], "sources": {}},
        PARAMS,
    )
    assert re.search(r"\b1 of 3 classes .*\bcat\b", page)
    assert "58.00 %" not in page, "the test accuracy of another training"
    assert re.search('<th scope="col" class="number">validation balanced .*?</th>', page)
    assert re.search("chosen: test balanced ", page)


def test_figures_of_a_quantised_file_stand_beside_those_of_the_float_file(
    result: dict[str, Any], history: pd.DataFrame, traces: pd.DataFrame
) -> None:
    network = network_evaluation() | INT8
    found = make_metrics(TRAIN, result, network, traces)["network"]
    assert found["file_bytes"] == 4321
    assert found["test_accuracy"] == 0.75
    assert (found["float_file_bytes"], found["float_test_accuracy"]) == (12345, 0.8)
    assert found["accuracy_drop"] == 0.05
    said = dict(
        nodes.report_search(history, result, of_choice(result, network), traces, NO_FRONT)[
            "chosen"
        ]["conversion"]
    )
    assert any("winner.tflite" in text and "int8" in text for text in said.values())
    assert any("80.00 %" in text and "75.00 %" in text for text in said.values())


def test_rows_left_out_are_shown_as_they_were_predicted_without_themselves(
    predictions: pd.DataFrame, traces: pd.DataFrame
) -> None:
    measured = predictions["measured"].notna()
    scored = (predictions["measured"] * 1.5).where(measured & (predictions["split"] != "valid"))
    training = pd.DataFrame(
        {
            name: pd.Series(dtype="float64")
            for name in ("member", "epoch", "train_loss", "valid_loss")
        }
    ).assign(**TASK_METRIC)
    plots = make_plots(predictions.assign(scored=scored), training, traces, PARAMS)
    shown = plots["predicted_vs_measured"]
    assert len(shown) == 10
    np.testing.assert_allclose(shown["predicted_ms"], 1.5 * shown["measured_ms"])
    assert plots["training"].empty


def test_the_report_tells_a_predictor_of_few_rows_as_such(
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    history: pd.DataFrame,
    result: dict[str, Any],
    traces: pd.DataFrame,
) -> None:
    measured = predictions["measured"].notna()
    table = predictions.assign(
        split=predictions["split"].where(~measured, "train"),
        scored=(1.1 * predictions["measured"]).where(measured),
    )
    count = int(measured.sum())
    adapted = {
        "model": "adapted",
        "method": "adapted",
        "known_devices": ["a", "b", "c"],
        "scored": "left out",
        "prior_knows_device": True,
        "transfer": "Transfer: sizes.",
        "scored_rows": count,
        "rows": {"train": count, "valid": 0, "test": 0},
        "metrics": {"adapted": FIGURES},
        "intervals": {"spearman": [0.71, 0.97], "within_10": [0.4, 0.9]},
    }
    page = make_report(
        accuracy,
        accuracy_table([], "cifar100", 1),
        table,
        LOSSES.head(0),
        train(adapted),
        history,
        result,
        UNTRAINED,
        traces,
        {"near_twins": [], "sources": {}},
        PARAMS,
    )
    assert re.search(rf"adapted .*\b3 known devices .*\b{count} measured", page)
    assert f"{count} measured rows" in page
    assert "earlier rows" in page
    assert adapted["transfer"] in page
    assert re.search(r"\b0\.71 .* 0\.97 .*90\b", page)
    assert f"On {count} rows" in page
    assert "validation rows" not in page


def test_figures_are_those_of_the_exported_member(
    history: pd.DataFrame, result: dict[str, Any], traces: pd.DataFrame
) -> None:
    other = {
        "member": 3,
        "chosen": {"arch_id": history["arch_id"].iloc[0]},
        "known": {"valid_accuracy": 0.5, "predicted_latency_ms": 1.5},
        "held_out": {"test_accuracy": 0.49, "regret": None},
    }
    evaluation = UNTRAINED | {"found": other}
    search = make_metrics(TRAIN, result, evaluation, traces)["search"]
    assert search == other["known"] | {"test_accuracy": 0.49}
    part = nodes.report_search(history, result, evaluation, traces, NO_FRONT)
    assert part["chosen"]["arch_id"] == history["arch_id"].iloc[0]
    assert part["chosen"]["test_accuracy"] == 0.49
    assert "member 3" in part["notes"][0]
    own = nodes.report_search(history, result, of_choice(result, UNTRAINED), traces, NO_FRONT)
    assert own["chosen"]["arch_id"] == result["chosen"]["arch_id"]
    assert not any("member" in note for note in own["notes"])


def test_a_front_is_compared_by_hypervolume(
    predictions: pd.DataFrame, traces: pd.DataFrame, result: dict[str, Any]
) -> None:
    volumes = traces.assign(hypervolume=0.5 + 0.1 * traces["query"])
    volumes["sampler"] = volumes["sampler"].replace("random", "nsga2")
    found = make_metrics(TRAIN, result, UNTRAINED, volumes)["comparison"]
    assert found == {name: {"hypervolume": pytest.approx(0.7)} for name in ("brp", "nsga2")}
    drawn = make_plots(predictions, LOSSES, volumes, PARAMS)["search"]
    assert drawn["brp"].tolist() == pytest.approx([0.5, 0.6, 0.7])
    assert drawn["evolution"].isna().all(), "dvc.yaml draws it"


def test_the_plot_of_the_search_has_the_samplers_of_dvc(repository: Path) -> None:
    plots = yaml.safe_load((repository / "dvc.yaml").read_text())["plots"]
    (drawn,) = (
        y for body in plots for plot in body.values() for f, y in plot["y"].items() if "search" in f
    )
    assert drawn == list(nodes.DRAWN)
