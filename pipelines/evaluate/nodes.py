"""Nodes of the stage `evaluate`: metrics for `dvc metrics`, plot data, and the HTML report."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

from brpnas.report import (
    Chosen,
    EvaluationProtocol,
    ReportData,
    SourceNote,
    predicted_vs_measured,
    render,
    search_curves,
    training_curve,
)
from brpnas.report.network import answered_by, conversion_facts
from pipelines.config import EvaluateConfig, parse
from pipelines.predicted import of_task, task_rows

__all__ = [
    "make_metrics",
    "make_plots",
    "make_report",
    "report_predictor",
    "report_protocol",
    "report_search",
]

_NOTE = ("licence", "citation", "url")


def make_metrics(
    train_metrics: Mapping[str, Any],
    search_result: Mapping[str, Any],
    network_evaluation: Mapping[str, Any],
    traces: pd.DataFrame,
) -> dict[str, Any]:
    """Figures for the comparison of experiments; accuracies and error shares as fractions.

    Args:
        train_metrics: Figures of `train`, by device metric.
        search_result: Result of `search`.
        network_evaluation: Figures of the deployed network.
        traces: Traces of the compared searches.

    Returns:
        ``latency``: the predictor on test rows. ``search``: figures of the architecture found, as
        known to the search, and test scores of its trainings. ``network``: size of the deployed
        files, their measured latency, if any, and with trained weights their scores on the test
        images; ``search`` then has no test scores, because they are from another training. Of a
        converted network also accuracy and size of the ONNX file in float32, and the loss.
        ``comparison``: mean over seeds at the end of the budget, by sampler; of validation scores,
        if test scores are unknown or not of the exported file. Its names end in the metric of the
        search, unless this is accuracy.
    """
    last = traces.sort_values("query").groupby(["sampler", "seed"]).tail(1)
    # Test scores of a trained network are from the exported file, not from the search.
    tested = traces["chosen_test"].notna().any() and not network_evaluation["trained"]
    columns = ["chosen_test", "best_test_seen", "regret"] if tested else ["best_valid"]
    means = last.groupby("sampler")[columns].mean()
    metric = search_result["task"]["oracle"]["metric"]
    if metric != "accuracy":
        means = means.add_suffix(f"_{metric}")
    known, own = _known(search_result, network_evaluation), of_task(train_metrics)
    return {
        "latency": dict(own["metrics"][own["model"]]),
        "search": {name: value for name, value in known.items() if value is not None},
        "network": _network_metrics(network_evaluation),
        "comparison": means.dropna(axis="columns").to_dict("index"),
    }


def _known(search_result: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of the architecture found, from networks except the exported file.

    A trained file has its own test scores; test scores of other trainings are left out.
    """
    held_out = {} if evaluation["trained"] else search_result["held_out"]
    return {**search_result["known"], **held_out}


def _network_metrics(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Figures of the deployed files; scores only with trained weights."""
    found: dict[str, float] = {"file_bytes": evaluation["file_bytes"]}
    if evaluation["latency"]["latency_ms"] is not None:
        found["latency_ms"] = evaluation["latency"]["latency_ms"]
    if evaluation["float"] is not None:
        found["float_file_bytes"] = evaluation["float"]["file_bytes"]
    if evaluation["accuracy_drop"] is not None:
        found["float_test_accuracy"] = evaluation["float"]["accuracy"]
        found["accuracy_drop"] = evaluation["accuracy_drop"]
    if not evaluation["trained"]:
        return found
    test = evaluation["test"]
    return found | {
        "test_accuracy": test["accuracy"],
        "test_balanced_accuracy": test["balanced_accuracy"],
        "test_images": test["images"],
        "largest_class_share": test["largest_class_share"],
        "classes_never_recognised": len(test["never_recognised"]),
    }


def _untrained(evaluation: Mapping[str, Any], search_result: Mapping[str, Any]) -> list[str]:
    """Note on a file with initial weights."""
    if evaluation["trained"]:
        return []
    task = search_result["task"]
    answered = answered_by(task["oracle"]["name"], task["dataset"])
    return [
        "The network file holds initial weights: train it before use. Accuracies on this page are "
        f"those of {answered} for its architecture."
    ]


def make_plots(
    predictions: pd.DataFrame,
    train_history: pd.DataFrame,
    traces: pd.DataFrame,
    params: Mapping[str, Any],
) -> dict[str, pd.DataFrame]:
    """Tables behind `dvc plots`, by name of their file.

    The curves of the search show test accuracy; if it is unknown, validation accuracy.
    """
    config = parse(EvaluateConfig, params)
    curves = search_curves(traces)
    curve = "chosen_test" if "chosen_test" in curves else "best_valid"
    scored = _scored(predictions)
    return {
        "predicted_vs_measured": predicted_vs_measured(scored, config.plot_points),
        "training": training_curve(_of_task(train_history)),
        "search": curves.pivot_table(
            index="queries", columns="sampler", values=curve
        ).reset_index(),
    }


def report_predictor(
    predictions: pd.DataFrame, train_history: pd.DataFrame, train_metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """The part of `brpnas.report.ReportData` about the latency predictor.

    Args:
        predictions: Measured and predicted values of the listed architectures.
        train_history: Losses of the predictors.
        train_metrics: Figures of `train`, by device metric.
    """
    return {
        "predictions": _scored(predictions),
        "metrics": of_task(train_metrics)["metrics"],
        "training": _of_task(train_history),
    }


def report_search(
    search_history: pd.DataFrame,
    search_result: Mapping[str, Any],
    network_evaluation: Mapping[str, Any],
    traces: pd.DataFrame,
    front: pd.DataFrame,
) -> dict[str, Any]:
    """The part of `brpnas.report.ReportData` about the search and the network file.

    Args:
        search_history: Queries of the search.
        search_result: Result of the search.
        network_evaluation: Figures of the deployed network.
        traces: Traces of the compared searches.
        front: Front of the search; shown if the search has several objectives.
    """
    # Figures of the file replace those of other networks.
    chosen = _known(search_result, network_evaluation) | search_result["chosen"]
    chosen |= network_evaluation["latency"]
    initial = _untrained(network_evaluation, search_result)
    return {
        "chosen": Chosen(**chosen, conversion=conversion_facts(network_evaluation)),
        "history": search_history,
        "task": search_result["task"],
        "notes": [*initial, *network_evaluation["notes"]],
        "traces": traces,
        "network": network_evaluation if network_evaluation["trained"] else None,
        "front": front if search_result["front"] else None,
        "front_figures": search_result["front"] or {},
    }


def report_protocol(
    train_metrics: Mapping[str, Any],
    search_result: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> dict[str, Any]:
    """The part of `brpnas.report.ReportData` about protocol, versions and sources.

    Args:
        train_metrics: Figures of `train`, by device metric.
        search_result: Result of the search.
        ingest_report: Sources of the data.
    """
    return {
        "protocol": _protocol(of_task(train_metrics), search_result, ingest_report),
        "provenance": _versions("brpnas", "torch", "numpy"),
        "sources": _sources(ingest_report),
    }


def make_report(
    space: pd.DataFrame,
    predictor: Mapping[str, Any],
    search: Mapping[str, Any],
    protocol: Mapping[str, Any],
    params: Mapping[str, Any],
) -> str:
    """The report as one HTML page for offline reading.

    Args:
        space: Table of `pipelines.evaluate.space.map_space`.
        predictor: Part about the latency predictor.
        search: Part about the search and the network file.
        protocol: Part about protocol, versions and sources.
        params: Parameters of the stage.
    """
    title = parse(EvaluateConfig, params).title
    return render(ReportData(**predictor, **search, **protocol, space=space, title=title))


def _of_task(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the task, of a table by device metric; none if its predictor has none."""
    if table.empty:
        return table
    return task_rows(table)


def _latencies(predictions: pd.DataFrame) -> pd.DataFrame:
    """Predictions of the latency on the device of the task, in the columns of a report."""
    names = {"measured": "latency_ms", "predicted": "predicted_latency_ms"}
    return task_rows(predictions).rename(columns=names)


def _scored(predictions: pd.DataFrame) -> pd.DataFrame:
    """Measured rows of the task; scored rows have the split ``test``.

    A training row is scored only with its left-out prediction.
    """
    rows = _latencies(predictions).dropna(subset=["latency_ms"])
    scored = rows["scored"].notna()
    return rows.assign(
        split=rows["split"].mask(scored, "test"),
        predicted_latency_ms=rows["predicted_latency_ms"].mask(scored, rows["scored"]),
    )


def _versions(*names: str) -> dict[str, str]:
    """Versions of the installed packages: this stage runs without torch."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _protocol(
    train: Mapping[str, Any], search: Mapping[str, Any], ingest: Mapping[str, Any]
) -> EvaluationProtocol:
    rows, device = train["rows"], train["device"]
    adapted: EvaluationProtocol = {}
    if train["model"] == "adapted":
        adapted = {
            "learnt_rows": rows["train"],
            "known_devices": len(train["known_devices"]),
            "scored": train["scored"],
            "prior_knows_device": train["prior_knows_device"],
            "transfer": train["transfer"],
            "spearman_interval": tuple(train["intervals"]["spearman"]),
        }
    seen = sum(rows.values()) - train["scored_rows"] - rows["valid"]
    twins = {
        name
        for pair in ingest["near_twins"]
        if device in pair["devices"]
        for name in pair["devices"]
    } - {device}
    return EvaluationProtocol(
        device=device,
        confidence=search["confidence"],
        sources=search["sources"],
        measured=search["measured"],
        refused=search["refused"],
        train_rows=seen,
        valid_rows=rows["valid"],
        test_rows=train["scored_rows"],
        view=train["view"],
        members=train["members"],
        settings={
            "oracle": search["task"]["oracle"]["name"],
            "devices with nearly the same measurements": ", ".join(sorted(twins)) or "none",
        },
        **adapted,
    )


def _sources(ingest_report: Mapping[str, Any]) -> list[SourceNote]:
    return [
        SourceNote(name=name, **{key: source[key] for key in _NOTE})
        for name, source in ingest_report["sources"].items()
    ]
