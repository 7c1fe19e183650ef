"""Nodes of the stage `evaluate`: metrics for `dvc metrics`, plot data, and the HTML report."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pandas as pd

from brpnas.datasets import DeviceMetric, predicted_metrics, rows_of
from brpnas.report import (
    Chosen,
    EvaluationProtocol,
    PredictorData,
    ReportData,
    SourceNote,
    predicted_vs_measured,
    render,
    search_curves,
    training_curve,
)
from brpnas.report.network import answered_by, conversion_facts
from pipelines.config import EvaluateConfig, parse
from pipelines.predicted import of_task

__all__ = [
    "DRAWN",
    "make_metrics",
    "make_plots",
    "make_report",
    "report_predictor",
    "report_protocol",
    "report_search",
]

DRAWN = ("brp", "evolution", "random")
"""Samplers of the plot of the search in dvc.yaml."""
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
        ``predictors``: each predictor on its scored rows, by device metric. ``search``: figures of
        the exported architecture as known to the search, and test scores of its trainings.
        ``network``: size of the deployed files, their measured latency, if any, and with trained
        weights their scores on the test images; ``search`` then has no test scores, because they
        are from another training. Of a converted network also accuracy and size of the ONNX file in
        float32, and the loss. ``comparison``: mean over seeds at the end of the budget, by sampler;
        of validation scores, if test scores are unknown or not of the exported file, and with
        several objectives of the hypervolume. Its names end in the metric of the search, unless
        this is accuracy.
    """
    last = traces.sort_values("query").groupby(["sampler", "seed"]).tail(1)
    # Test scores of a trained network are from the exported file, not from the search.
    tested = traces["chosen_test"].notna().any() and not network_evaluation["trained"]
    columns = ["chosen_test", "best_test_seen", "regret"] if tested else ["best_valid"]
    if "hypervolume" in traces:
        columns = ["hypervolume"]
    means = last.groupby("sampler")[columns].mean()
    metric = search_result["task"]["oracle"]["metric"]
    if metric != "accuracy":
        means = means.add_suffix(f"_{metric}")
    known = _known(network_evaluation)
    return {
        "predictors": {
            name: dict(own["metrics"][own["model"]]) for name, own in train_metrics.items()
        },
        "search": {name: value for name, value in known.items() if value is not None},
        "network": _network_metrics(network_evaluation),
        "comparison": means.dropna(axis="columns").to_dict("index"),
    }


def _known(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Figures of the exported architecture, from networks except the exported file.

    A trained file has its own test scores; test scores of other trainings are left out.
    """
    found = evaluation["found"]
    held_out = {} if evaluation["trained"] else found["held_out"]
    return {**found["known"], **held_out}


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


def _member(evaluation: Mapping[str, Any]) -> list[str]:
    """Note on a file that is not the choice of the search."""
    number = evaluation["found"]["member"]
    if number is None:
        return []
    return [
        f"The network file is member {number} of the front, as export.member says, and not the "
        "choice of the search."
    ]


def make_plots(
    predictions: pd.DataFrame,
    train_history: pd.DataFrame,
    traces: pd.DataFrame,
    params: Mapping[str, Any],
) -> dict[str, pd.DataFrame]:
    """Tables behind `dvc plots`, by name of their file.

    The curves of the search show test accuracy; if it is unknown, validation accuracy; with several
    objectives the hypervolume. The samplers of dvc.yaml have a column each, perhaps empty.
    """
    config = parse(EvaluateConfig, params)
    curves = search_curves(traces)
    shown = ("hypervolume", "chosen_test", "best_valid")
    curve = next((name for name in shown if name in curves), "best_valid")
    task = predicted_metrics(predictions)[0]
    return {
        "predicted_vs_measured": predicted_vs_measured(
            _scored(predictions, task), config.plot_points
        ),
        "training": training_curve(_training(train_history, task)),
        "search": _by_sampler(curves, curve),
    }


def _by_sampler(curves: pd.DataFrame, curve: str) -> pd.DataFrame:
    """A curve with a column per sampler; those that dvc.yaml draws are always there."""
    table = curves.pivot_table(index="queries", columns="sampler", values=curve)
    names = [*table.columns, *(name for name in DRAWN if name not in table)]
    return table.reindex(columns=names).reset_index()


def report_predictor(
    predictions: pd.DataFrame, train_history: pd.DataFrame, train_metrics: Mapping[str, Any]
) -> dict[str, Any]:
    """The part of `brpnas.report.ReportData` about the predictors.

    Args:
        predictions: Measured and predicted values of the listed architectures.
        train_history: Losses of the predictors.
        train_metrics: Figures of `train`, by device metric.
    """
    parts = {
        name: PredictorData(
            predictions=_scored(predictions, DeviceMetric.parse(name)),
            metrics=own["metrics"],
            training=_training(train_history, DeviceMetric.parse(name)),
            scored=own["scored"],
        )
        for name, own in train_metrics.items()
    }
    task, *others = parts
    return {
        "predictions": parts[task].predictions,
        "metrics": parts[task].metrics,
        "training": parts[task].training,
        "further": {name: parts[name] for name in others},
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
    chosen = _known(network_evaluation) | network_evaluation["found"]["chosen"]
    chosen |= network_evaluation["latency"]
    notes = [*_member(network_evaluation), *_untrained(network_evaluation, search_result)]
    return {
        "chosen": Chosen(**chosen, conversion=conversion_facts(network_evaluation)),
        "history": search_history,
        "task": search_result["task"],
        "notes": [*notes, *network_evaluation["notes"]],
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


def _training(history: pd.DataFrame, metric: DeviceMetric) -> pd.DataFrame:
    """Losses of the predictor of a device metric; none if it has none."""
    chosen = (history["metric"] == metric.metric) & (history["device"] == metric.device)
    return history[chosen].reset_index(drop=True)


def _scored(predictions: pd.DataFrame, metric: DeviceMetric) -> pd.DataFrame:
    """Measured rows of a device metric, in the columns of a report; scored ones are ``test``.

    A training row is scored only with its left-out prediction.
    """
    rows = rows_of(predictions, metric).dropna(subset=["measured"])
    scored = rows["scored"].notna()
    predicted = rows["predicted"].mask(scored, rows["scored"])
    split = rows["split"].mask(scored, "test")
    columns = {metric.metric: rows["measured"], f"predicted_{metric.metric}": predicted}
    return rows.assign(split=split, **columns)


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
