"""The model card of the three exported files, one section each."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from brpnas.export import ModelCard, describe_model, model_card
from pipelines.export.network_card import network_card

__all__ = ["write_model_card"]


class _Source(NamedTuple):
    """Source of data on a card; see `brpnas.export.card.Attribution`."""

    name: str
    url: str
    licence: str
    citation: str


def write_model_card(
    latency_onnx: bytes,
    relation_onnx: bytes,
    network_onnx: bytes,
    train_metrics: Mapping[str, Any],
    search_result: Mapping[str, Any],
    network_evaluation: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> str:
    """One Markdown page about the exported files, the network found first.

    Args:
        latency_onnx: The latency predictor.
        relation_onnx: The ranking predictor.
        network_onnx: The network of the chosen architecture.
        train_metrics: Training and figures of the latency predictor.
        search_result: Result of the search.
        network_evaluation: Scores of the network file and its data; see
            `brpnas.candidates.network_evaluation`.
        ingest_report: Sources of the data.
    """
    of_device = _sources(ingest_report, "devices", train_metrics["device"])
    of_accuracy = _sources(ingest_report, "datasets", search_result["task"]["dataset"])
    chosen = search_result["chosen"]["arch_id"]
    contents = {
        "network.onnx": network_onnx,
        "latency.onnx": latency_onnx,
        "relation.onnx": relation_onnx,
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in contents}
        for name, content in contents.items():
            paths[name].write_bytes(content)
        view = describe_model(paths["relation.onnx"])[2]["view"]
        network = network_card(
            search_result, network_evaluation, train_metrics["device"], of_accuracy
        )
        cards = {
            "network.onnx": network,
            "latency.onnx": _latency(train_metrics, of_device, chosen),
            "relation.onnx": _relation(search_result, view, of_accuracy, chosen),
        }
        texts = [model_card(paths[name], card) for name, card in cards.items()]
    return "\n---\n\n".join(texts)


def _sources(ingest_report: Mapping[str, Any], holds: str, name: str) -> list[_Source]:
    """Sources of the data on a device or a data set."""
    return [
        _Source(source, note["url"], note["licence"], note["citation"])
        for source, note in ingest_report["sources"].items()
        if name in note[holds]
    ]


def _latency(train: Mapping[str, Any], sources: list[_Source], example: str) -> ModelCard:
    figures, scored = train["metrics"][train["model"]], train["scored"]
    intervals = {
        f"{name}, 90 % interval": f"{low:.3g} to {high:.3g}"
        for name, (low, high) in train["intervals"].items()
    }
    adapted = train["model"] == "adapted"
    return ModelCard(
        title=f"Latency predictor of {train['device']}",
        description="Predicts the latency in ms of an architecture from its graph (BRP-NAS, "
        f"arXiv 2007.08668){', with an interval' if adapted else ''}.",
        protocol=_adapted(train) if adapted else _trained(train),
        metrics={f"{name} ({scored})": value for name, value in {**figures, **intervals}.items()},
        sources=sources,
        limits=[f"Knows only {train['device']}, and only architectures of its search space."],
        space=train["space"],
        view="both" if adapted else train["view"],
        example=example,
    )


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


def _relation(
    search: Mapping[str, Any], view: str, sources: list[_Source], example: str
) -> ModelCard:
    task = search["task"]
    return ModelCard(
        title=f"Ranking predictor for {task['dataset']}",
        description="Scores an architecture; the sigmoid of the difference of two scores is the "
        "probability that the first is the more accurate one. A score alone means nothing.",
        protocol=f"Trained on the {search['queries'] - search['failed']} answers of the search "
        f"({task['sampler']['name']}, seed {task['seed']}), each the validation "
        f"{task['oracle']['metric'].replace('_', ' ')} of one training seed.",
        sources=sources,
        limits=["Best near the top of the ranking, where the search asked most."],
        space=task["space"],
        view=view,
        example=example,
    )
