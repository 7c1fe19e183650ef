"""Nodes of the stage `export`: ONNX files as bytes, and their error against torch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from brpnas.datasets import DeviceMetric
from brpnas.export import export_device_predictor, export_predictor
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricModel, PairwiseRanker
from brpnas.predictors.transfer import DevicePredictor
from pipelines.config import ExportConfig, parse
from pipelines.delivered import network_onnx
from pipelines.export.card import (
    write_model_card,
    write_network_card,
    write_predictor_cards,
    write_ranker_card,
)
from pipelines.export.deploying import deploy_network, set_up_deployment
from pipelines.network import network_config

__all__ = [
    "collect_parity",
    "deploy_network",
    "export_found_network",
    "export_predictors",
    "export_ranker",
    "set_up_deployment",
    "write_model_card",
    "write_network_card",
    "write_predictor_cards",
    "write_ranker_card",
]


def export_predictors(
    predictors: Mapping[str, MetricModel], graphs: SpaceGraphs, params: Mapping[str, Any]
) -> tuple[dict[str, bytes], dict[str, float]]:
    """The predictor of each device metric as ONNX, and its largest error against torch.

    A predictor adapted from known devices reads both views and also returns intervals.

    Returns:
        The files by name, ``<metric>@<device>.onnx``, and the errors by device metric.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    tolerance = parse(ExportConfig, params).tolerance
    files, errors = {}, {}
    for name, predictor in predictors.items():
        file = f"{name}.onnx"
        files[file], errors[name] = _exported(file, name, predictor, graphs, tolerance)
    return files, errors


def _exported(
    file: str, name: str, predictor: MetricModel, graphs: SpaceGraphs, tolerance: float
) -> tuple[bytes, float]:
    metadata = {"space": graphs.space, "device": str(DeviceMetric.parse(name).device)}
    if predictor.network_size is not None:
        metadata["network_size"] = predictor.network_size
    if isinstance(predictor, DevicePredictor):
        metadata |= predictor.metadata()
        return _to_bytes(
            file,
            lambda path: export_device_predictor(
                predictor.module(),
                path,
                graphs,
                metadata,
                metric=predictor.metric,
                tolerance=tolerance,
            ),
        )
    return _to_bytes(
        file,
        lambda path: export_predictor(
            predictor.module(),
            path,
            graphs.view(predictor.view),
            predictor.metric,
            metadata | {"view": predictor.view},
            tolerance=tolerance,
        ),
    )


def export_ranker(
    predictor: PairwiseRanker,
    graphs: SpaceGraphs,
    search_result: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[bytes, float]:
    """The ranker as ONNX, and its largest error against torch.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    config = parse(ExportConfig, params)
    dataset = search_result["task"]["dataset"]
    metadata = {"space": graphs.space, "view": predictor.view, "dataset": dataset}
    return _to_bytes(
        "ranker.onnx",
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
    exported: Mapping[str, Any],
    trained_network: bytes,
    graphs: SpaceGraphs,
    network: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[bytes, float]:
    """The network of the architecture to export as ONNX, and its largest error against torch.

    Its weights are those trained by the oracle, if any, else initial ones.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    config = parse(ExportConfig, params)
    found = exported["chosen"]["arch_id"]
    size = network_config(network)
    return network_onnx(found, trained_network, graphs.space, size, config)


def collect_parity(
    predictors: Mapping[str, float], ranker: float, network: float, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Largest error of each file against torch, of predictors by device metric; the tolerance."""
    return {
        "predictors": dict(predictors),
        "ranker": ranker,
        "network": network,
        "tolerance": parse(ExportConfig, params).tolerance,
    }


def _to_bytes(name: str, export: Callable[[Path], float]) -> tuple[bytes, float]:
    """Export to a temporary file: the library writes files and the catalog takes bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        error = export(path)
        return path.read_bytes(), error
