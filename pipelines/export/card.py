"""Nodes of the stage `export`: the cards of the three files, and the page of all cards."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from brpnas.export import ModelCard, model_card
from brpnas.predictors import PairwiseRanker
from pipelines.export.network_card import network_card

__all__ = ["write_latency_card", "write_model_card", "write_network_card", "write_ranker_card"]


class _Source(NamedTuple):
    """Source of data on a card; see `brpnas.export.card.Attribution`."""

    name: str
    url: str
    licence: str
    citation: str


def write_network_card(
    onnx: bytes,
    search_result: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    train_metrics: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> str:
    """Card of the network of the chosen architecture.

    Args:
        onnx: The file.
        search_result: Result of the search.
        evaluation: Figures of the deployed files; see `pipelines.export.nodes.deploy_network`.
        train_metrics: Figures of the latency predictor, with its device.
        ingest_report: Sources of the data.
    """
    sources = _sources(ingest_report, "datasets", search_result["task"]["dataset"])
    card = network_card(search_result, evaluation, train_metrics["device"], sources)
    return _page("network.onnx", onnx, card)


def write_latency_card(
    onnx: bytes,
    train_metrics: Mapping[str, Any],
    search_result: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> str:
    """Card of the latency predictor.

    Args:
        onnx: The file.
        train_metrics: Training and figures of the predictor.
        search_result: Result of the search; its architecture is the example.
        ingest_report: Sources of the data.
    """
    train, scored = train_metrics, train_metrics["scored"]
    figures = train["metrics"][train["model"]]
    intervals = {
        f"{name}, 90 % interval": f"{low:.3g} to {high:.3g}"
        for name, (low, high) in train["intervals"].items()
    }
    adapted = train["model"] == "adapted"
    card = ModelCard(
        title=f"Latency predictor of {train['device']}",
        description="Predicts the latency in ms of an architecture from its graph (BRP-NAS, "
        f"arXiv 2007.08668){', with an interval' if adapted else ''}.",
        protocol=_adapted(train) if adapted else _trained(train),
        metrics={f"{name} ({scored})": value for name, value in {**figures, **intervals}.items()},
        sources=_sources(ingest_report, "devices", train["device"]),
        limits=[f"Knows only {train['device']}, and only architectures of its search space."],
        space=train["space"],
        view="both" if adapted else train["view"],
        example=search_result["chosen"]["arch_id"],
    )
    return _page("latency.onnx", onnx, card)


def write_ranker_card(
    onnx: bytes,
    predictor: PairwiseRanker,
    search_result: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> str:
    """Card of the ranker.

    Args:
        onnx: The file.
        predictor: The ranker of the file.
        search_result: Result of the search.
        ingest_report: Sources of the data.
    """
    search, task = search_result, search_result["task"]
    card = ModelCard(
        title=f"Ranking predictor for {task['dataset']}",
        description="Scores an architecture; the sigmoid of the difference of two scores is the "
        "probability that the first is the more accurate one. A score alone means nothing.",
        protocol=f"Trained on the {search['queries'] - search['failed']} answers of the search "
        f"({task['sampler']['name']}, seed {task['seed']}), each the validation "
        f"{task['oracle']['metric'].replace('_', ' ')} of one training seed.",
        sources=_sources(ingest_report, "datasets", task["dataset"]),
        limits=["Best near the top of the ranking, where the search asked most."],
        space=task["space"],
        view=predictor.view,
        example=search["chosen"]["arch_id"],
    )
    return _page("ranker.onnx", onnx, card)


def write_model_card(network_card: str, latency_card: str, ranker_card: str) -> str:
    """One Markdown page with the cards of all files, the network first."""
    return "\n---\n\n".join([network_card, latency_card, ranker_card])


def _page(name: str, onnx: bytes, card: ModelCard) -> str:
    """The card as Markdown; the library reads the interface of the file from a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(onnx)
        return model_card(path, card)


def _sources(ingest_report: Mapping[str, Any], holds: str, name: str) -> list[_Source]:
    """Sources of the data on a device or a data set."""
    return [
        _Source(source, note["url"], note["licence"], note["citation"])
        for source, note in ingest_report["sources"].items()
        if name in note[holds]
    ]


def _trained(train: Mapping[str, Any]) -> str:
    rows = train["rows"]
    return (
        f"Trained on {rows['train']} measured architectures drawn at random, stopped by "
        f"{rows['valid']} others; metrics are of the remaining {rows['test']}. Graphs in the view "
        f"{train['view']!r}, {train['members']} ensemble members."
    )


def _adapted(train: Mapping[str, Any]) -> str:
    known = train["known_devices"]
    return (
        f"Adapted to {train['rows']['train']} measured architectures from {len(known)} known "
        f"devices ({', '.join(known)}); way of predicting: {train['method']}. Metrics are of "
        f"{train['scored_rows']} "
        + (
            "test rows."
            if train["scored"] == "test"
            else f"measured rows, each predicted without itself{_own_part(train)}."
        )
        + (f" {train['transfer']}" if train["transfer"] else "")
    )


def _own_part(train: Mapping[str, Any]) -> str:
    """Note on the card if the devices of the prior include the target device."""
    if not train["prior_knows_device"]:
        return ""
    return " by a prior that learnt from earlier rows of this device"
