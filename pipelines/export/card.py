"""The model card of the three exported files, one section each."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from brpnas.export import ModelCard, describe_model, model_card

__all__ = ["write_model_card"]


class _Source(NamedTuple):
    """What a card says of where data come from; see `brpnas.export.card.Attribution`."""

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
    metrics: Mapping[str, Any],
    ingest_report: Mapping[str, Any],
) -> str:
    """One Markdown page about the exported files.

    Args:
        latency_onnx: The latency predictor.
        relation_onnx: The ranking predictor.
        network_onnx: The network of the chosen architecture.
        train_metrics: How the latency predictor was trained.
        search_result: What the search found.
        metrics: The figures of the report.
        ingest_report: Where the data comes from.
    """
    of_device = _sources(ingest_report, "devices", train_metrics["device"])
    of_accuracy = _sources(ingest_report, "datasets", search_result["dataset"])
    chosen = search_result["chosen"]["arch_id"]
    contents = {
        "latency.onnx": latency_onnx,
        "relation.onnx": relation_onnx,
        "network.onnx": network_onnx,
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = {name: Path(folder) / name for name in contents}
        for name, content in contents.items():
            paths[name].write_bytes(content)
        view = describe_model(paths["relation.onnx"])[2]["view"]
        cards = {
            "latency.onnx": _latency(train_metrics, metrics, of_device, chosen),
            "relation.onnx": _relation(search_result, view, of_accuracy, chosen),
            "network.onnx": _network(search_result, describe_model(paths["network.onnx"])[2]),
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


def _latency(
    train: Mapping[str, Any], metrics: Mapping[str, Any], sources: list[_Source], example: str
) -> ModelCard:
    rows = train["rows"]
    return ModelCard(
        title=f"Latency predictor of {train['device']}",
        description="Predicts the latency in ms of an architecture from its graph (BRP-NAS, "
        "arXiv 2007.08668).",
        protocol=f"Trained on {rows['train']} measured architectures drawn at random, stopped by "
        f"{rows['valid']} others; metrics are of the remaining {rows['test']}. Graphs in the view "
        f"{train['view']!r}, {train['members']} ensemble members.",
        metrics={f"{name} (test)": value for name, value in metrics["latency"].items()},
        sources=sources,
        limits=[f"Knows only {train['device']}, and only architectures of its search space."],
        space=train["space"],
        view=train["view"],
        example=example,
    )


def _relation(
    search: Mapping[str, Any], view: str, sources: list[_Source], example: str
) -> ModelCard:
    return ModelCard(
        title=f"Ranking predictor for {search['dataset']}",
        description="Scores an architecture; the sigmoid of the difference of two scores is the "
        "probability that the first is the more accurate one. A score alone means nothing.",
        protocol=f"Trained on the {search['queries'] - search['failed']} answers of the search "
        f"({search['sampler']}, seed {search['seed']}), each the validation accuracy of one "
        "training seed.",
        sources=sources,
        limits=["Best near the top of the ranking, where the search asked most."],
        space=search["space"],
        view=view,
        example=example,
    )


def _network(search: Mapping[str, Any], metadata: Mapping[str, str]) -> ModelCard:
    chosen = search["chosen"]
    figures = ("test_accuracy", "valid_accuracy", "predicted_latency_ms", "latency_ms", "params_m")
    trained = "label_names" in metadata
    return ModelCard(
        title="Network of the architecture found",
        description=f"`{chosen['arch_id']}`, the most accurate on {search['dataset']} that the "
        f"search found within {', '.join(search['constraints']) or 'no constraint'}.",
        protocol="The weights are those that the search trained. Divide the pixels of an image by "
        "`pixel_scale`, subtract `mean` and divide by `std`, channel by channel; the largest logit "
        "is the index into `label_names`."
        if trained
        else "Accuracies (fractions) and latencies are those of the benchmark for this "
        "architecture, not of this file, whose weights are untrained.",
        metrics={name: chosen[name] for name in figures if chosen.get(name) is not None},
        limits=["Trained for a search, not to the limit of what longer training would give."]
        if trained
        else ["The weights are initialised, not trained: train before use."],
    )
