"""Nodes of the stage `export`: ONNX files as bytes, their distance from torch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from brpnas.candidates import TrainedNetworkFile, export_trained
from brpnas.export import export_network, export_predictor
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import BinaryRelationPredictor, LatencyPredictor
from pipelines.config import ExportConfig, parse
from pipelines.export.card import write_model_card
from pipelines.network import network_config

__all__ = [
    "collect_parity",
    "export_found_network",
    "export_latency",
    "export_relation",
    "write_model_card",
]


def export_latency(
    predictor: LatencyPredictor,
    graphs: SpaceGraphs,
    train_metrics: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[bytes, float]:
    """The latency predictor as ONNX, and its largest error against torch.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    config = parse(ExportConfig, params)
    metadata = {"space": graphs.space, "view": predictor.view, "device": train_metrics["device"]}
    return _to_bytes(
        "latency.onnx",
        lambda path: export_predictor(
            predictor.module(),
            path,
            graphs.view(predictor.view),
            "latency_ms",
            metadata,
            tolerance=config.tolerance,
        ),
    )


def export_relation(
    predictor: BinaryRelationPredictor,
    graphs: SpaceGraphs,
    search_result: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[bytes, float]:
    """The scorer of the binary relation predictor as ONNX, and its largest error against torch.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    config = parse(ExportConfig, params)
    metadata = {"space": graphs.space, "view": predictor.view, "dataset": search_result["dataset"]}
    return _to_bytes(
        "relation.onnx",
        lambda path: export_predictor(
            predictor.module(),
            path,
            graphs.view(predictor.view),
            "score",
            metadata,
            tolerance=config.tolerance,
        ),
    )


def export_found_network(
    search_result: Mapping[str, Any],
    winner_network: bytes,
    graphs: SpaceGraphs,
    network: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[bytes, float]:
    """The network of the chosen architecture as ONNX, and its largest error against torch.

    With the weights that the oracle trained, if it did; else with initialised ones.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    config = parse(ExportConfig, params)
    if winner_network:
        trained = TrainedNetworkFile.from_bytes(winner_network)
        return _to_bytes(
            "network.onnx",
            lambda path: export_trained(trained, path, tolerance=config.tolerance),
        )
    return _to_bytes(
        "network.onnx",
        lambda path: export_network(
            search_result["chosen"]["arch_id"],
            path,
            network_config(network),
            space=graphs.space,
            seed=config.seed,
            tolerance=config.tolerance,
        ),
    )


def collect_parity(
    latency: float, relation: float, network: float, params: Mapping[str, Any]
) -> dict[str, float]:
    """Largest error of each file against torch, and the tolerance that all of them kept."""
    tolerance = parse(ExportConfig, params).tolerance
    return {"latency": latency, "relation": relation, "network": network, "tolerance": tolerance}


def _to_bytes(name: str, export: Callable[[Path], float]) -> tuple[bytes, float]:
    """Export to a temporary file, since the library writes files and the catalog takes bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        error = export(path)
        return path.read_bytes(), error
