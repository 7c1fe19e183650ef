"""Nodes of the stage `export`: the card of each file, and the page of all cards."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from brpnas.datasets import MEASURED
from brpnas.export import ModelCard, model_card
from brpnas.predictors import PairwiseRanker
from pipelines.export.network_card import network_card
from pipelines.predicted import of_task

__all__ = [
    "write_model_card",
    "write_network_card",
    "write_predictor_cards",
    "write_ranker_card",
]


_RULE = "\n---\n\n"
"""Between two cards."""


class _Source(NamedTuple):
    """Source of data on a card; see `brpnas.export.card.Attribution`."""

    name: str
    url: str
    licence: str
    citation: str


def write_network_card(
    onnx: bytes,
    exported: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    train_metrics: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> str:
    """Card of the exported network.

    Args:
        onnx: The file.
        exported: Its architecture, see `pipelines.export.member.exported_architecture`.
        evaluation: Figures of the deployed files; see `pipelines.export.nodes.deploy_network`.
        train_metrics: Figures of the predictors, that of the task first.
        ingest_report: Sources of the data.
    """
    sources = _sources(ingest_report, "datasets", exported["task"]["dataset"])
    card = network_card(exported, evaluation, of_task(train_metrics)["device"], sources)
    return _page("network.onnx", onnx, card)


def write_predictor_cards(
    onnx: Mapping[str, bytes],
    train_metrics: Mapping[str, Any],
    search_result: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> str:
    """Cards of the predictors, that of the task first.

    Args:
        onnx: The files by name.
        train_metrics: Training and figures of each predictor.
        search_result: Result of the search; its architecture is the example.
        ingest_report: Sources of the data.
    """
    example = search_result["chosen"]["arch_id"]
    cards = []
    for name, train in train_metrics.items():
        sources = _sources(ingest_report, "devices", train["device"])
        file = f"{name}.onnx"
        cards.append(_page(f"predictors/{file}", onnx[file], _card(train, sources, example)))
    return _RULE.join(cards)


def _card(train: Mapping[str, Any], sources: list[_Source], example: str) -> ModelCard:
    """Card of one predictor, from its figures."""
    scored, about = train["scored"], MEASURED[train["metric"]]
    figures = train["metrics"][train["model"]]
    intervals = {
        f"{name}, 90 % interval": f"{low:.3g} to {high:.3g}"
        for name, (low, high) in train["intervals"].items()
    }
    adapted = train["model"] == "adapted"
    return ModelCard(
        title=f"{about.title} predictor of {train['device']}",
        description=f"Predicts the {about.title.lower()} in {about.unit} of an architecture from "
        f"its graph (BRP-NAS, arXiv 2007.08668){', with an interval' if adapted else ''}.",
        protocol=_adapted(train) if adapted else _trained(train),
        metrics={f"{name} ({scored})": value for name, value in {**figures, **intervals}.items()},
        sources=sources,
        limits=[f"Knows only {train['device']}, and only architectures of its search space."],
        space=train["space"],
        view="both" if adapted else train["view"],
        example=example,
    )


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


def write_model_card(network_card: str, predictor_cards: str, ranker_card: str) -> str:
    """One Markdown page with the cards of all files, the network first."""
    return _RULE.join([network_card, predictor_cards, ranker_card])


def _page(name: str, onnx: bytes, card: ModelCard) -> str:
    """The card as Markdown; the library reads the interface of the file from a path."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(onnx)
        return model_card(path, replace(card, file=name))


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
