"""Nodes of the stage `export`: ONNX files as bytes, and their error against torch."""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from brpnas.candidates import TrainedNetworkFile, network_evaluation
from brpnas.errors import SchemaError
from brpnas.export import export_device_predictor, export_predictor, with_metadata
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import LatencyModel, PairwiseRanker
from brpnas.predictors.transfer import DevicePredictor
from brpnas.report.network import alarms
from pipelines.config import ExportConfig, ImagesConfig, parse
from pipelines.delivered import network_onnx
from pipelines.export.card import (
    write_latency_card,
    write_model_card,
    write_network_card,
    write_ranker_card,
)
from pipelines.network import network_config
from pipelines.training import image_source

__all__ = [
    "collect_parity",
    "evaluate_network",
    "export_found_network",
    "export_latency",
    "export_ranker",
    "write_latency_card",
    "write_model_card",
    "write_network_card",
    "write_ranker_card",
]


logger = logging.getLogger(__name__)


def export_latency(
    predictor: LatencyModel,
    graphs: SpaceGraphs,
    train_metrics: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[bytes, float]:
    """The latency predictor as ONNX, and its largest error against torch.

    A predictor adapted from known devices reads both views and also returns intervals.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    config = parse(ExportConfig, params)
    metadata = {"space": graphs.space, "device": train_metrics["device"]}
    if predictor.network_size is not None:
        metadata["network_size"] = predictor.network_size
    if isinstance(predictor, DevicePredictor):
        metadata |= predictor.metadata()
        return _to_bytes(
            "latency.onnx",
            lambda path: export_device_predictor(
                predictor.module(), path, graphs, metadata, tolerance=config.tolerance
            ),
        )
    return _to_bytes(
        "latency.onnx",
        lambda path: export_predictor(
            predictor.module(),
            path,
            graphs.view(predictor.view),
            "latency_ms",
            metadata | {"view": predictor.view},
            tolerance=config.tolerance,
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
    search_result: Mapping[str, Any],
    winner_network: bytes,
    graphs: SpaceGraphs,
    network: Mapping[str, Any],
    params: Mapping[str, Any],
) -> tuple[bytes, float]:
    """The network of the chosen architecture as ONNX, and its largest error against torch.

    Its weights are those trained by the oracle, if any, else initial ones.

    Raises:
        ParityError: If ONNX Runtime answers differently.
        SchemaError: If the file differs from the one measured by `search`.
    """
    config = parse(ExportConfig, params)
    found = search_result["chosen"]["arch_id"]
    size = network_config(network)
    content, error = network_onnx(found, winner_network, graphs.space, size, config)
    measured = search_result["network"]["measured_sha256"]
    digest = hashlib.sha256(content).hexdigest()
    if measured not in {None, digest}:
        raise SchemaError(
            f"Search measured the network file of SHA-256 {measured}, and this one has {digest}, "
            "so its latency is unknown: the parameters network or export.seed, or the version of a "
            "library, have changed since. Run search again (what it has trained and measured is "
            "kept), or set them back."
        )
    return content, error


def evaluate_network(
    network: bytes, winner_network: bytes, images: Mapping[str, Any]
) -> tuple[bytes, dict[str, Any]]:
    """Score the exported network on the test images, and write the scores into its metadata.

    Args:
        network: The ONNX file.
        winner_network: The trained network of the file; empty with initial weights.
        images: The images of the training, and their split.

    Returns:
        The file with its test scores, and the evaluation
        (`brpnas.candidates.network_evaluation`) with ``file_bytes``, the size of the file; without
        training only ``trained: False`` and ``file_bytes``.

    Raises:
        SchemaError: If the images or their split have changed since the training.
    """
    if not winner_network:
        return network, {"trained": False, "file_bytes": len(network)}
    source = image_source(parse(ImagesConfig, images))
    trained = TrainedNetworkFile.from_bytes(winner_network)
    found = network_evaluation(network, trained, source.load())
    test = found["test"]
    logger.info(
        "The exported network on %d test images: accuracy %.2f %%, balanced accuracy %.2f %%",
        test["images"],
        100 * test["accuracy"],
        100 * test["balanced_accuracy"],
    )
    for alarm in alarms(found):
        logger.warning("%s", alarm)
    figures = ("accuracy", "balanced_accuracy")
    scored = with_metadata(network, {f"test_{k}": json.dumps(test[k]) for k in figures})
    return scored, {**found, "file_bytes": len(scored)}


def collect_parity(
    latency: float, ranker: float, network: float, params: Mapping[str, Any]
) -> dict[str, float]:
    """Largest error of each file against torch, and the tolerance."""
    tolerance = parse(ExportConfig, params).tolerance
    return {"latency": latency, "ranker": ranker, "network": network, "tolerance": tolerance}


def _to_bytes(name: str, export: Callable[[Path], float]) -> tuple[bytes, float]:
    """Export to a temporary file: the library writes files and the catalog takes bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        error = export(path)
        return path.read_bytes(), error
