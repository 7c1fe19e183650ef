"""ONNX of predictors on graphs: metrics of a device, and the score of a ranker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from brpnas.atomic import atomic_path
from brpnas.datasets.metrics import LATENCY_MS, MEASURED
from brpnas.errors import SchemaError
from brpnas.export.onnx import Exporter, export_module
from brpnas.export.parity import check_parity
from brpnas.graphs import DEVICE_VIEWS, GraphBatch, SpaceGraphs

__all__ = ["export_device_predictor", "export_predictor", "graph_feeds"]

_BATCHES = (1, 7, 256)


def graph_feeds(graphs: GraphBatch) -> dict[str, Tensor]:
    """Inputs of a graph predictor: ``ops`` int64 ``[B, V]`` and ``adj`` float32 ``[B, V, V]``."""
    return {
        "ops": torch.from_numpy(graphs.ops.astype(np.int64)),
        "adj": torch.from_numpy(graphs.adj.astype(np.float32)),
    }


def export_predictor(
    module: nn.Module,
    path: Path,
    graphs: GraphBatch,
    output_name: str,
    metadata: Mapping[str, str] | None = None,
    *,
    tolerance: float = 1e-5,
    exporter: Exporter = "dynamo",
) -> float:
    """Write a graph predictor as ONNX and check it on graphs of its space.

    The file has the inputs ``ops`` int64 ``[batch, V]`` and ``adj`` float32 ``[batch, V, V]`` with
    an open batch. It is published only with the outputs of the module on one graph, a few, and
    many.

    Args:
        module: Module with ``forward(ops, adj) -> [B]``, e.g. of `MetricPredictor.module`.
        path: File to write.
        graphs: Graphs in the view of the predictor; a sample of the space is enough.
        output_name: Name of the output with its unit, as in ``latency_ms``.
        metadata: Written into the file, with ``num_nodes`` and ``num_ops``.
        tolerance: See `check_parity`.
        exporter: See `brpnas.export.onnx.Exporter`.

    Returns:
        Largest error against torch.

    Raises:
        SchemaError: Without graphs.
        ParityError: If the outputs of the file differ.
    """
    feeds = [graph_feeds(graphs[rows]) for rows in _samples(len(graphs), path)]
    described = {"num_nodes": str(graphs.num_nodes), "num_ops": str(graphs.num_ops)}
    described |= metadata or {}
    return _export(module, path, feeds, output_name, described, tolerance, exporter)


def export_device_predictor(
    module: nn.Module,
    path: Path,
    graphs: SpaceGraphs,
    metadata: Mapping[str, str] | None = None,
    *,
    metric: str = LATENCY_MS,
    tolerance: float = 1e-5,
    exporter: Exporter = "dynamo",
) -> float:
    """Write a predictor with intervals, on both views, as ONNX and check it.

    The file has the inputs ``pruned_ops, pruned_adj, raw_ops, raw_adj``, shaped as in
    `export_predictor`, and ``view`` is ``both`` in its metadata. Its outputs are the metric and
    `brpnas.datasets.Metric.bounds`: ``latency_ms, lower_ms, upper_ms``.

    Args:
        module: Module of `brpnas.predictors.transfer.DevicePredictor.module`.
        path: File to write.
        graphs: Graphs in both views; a sample of the space is enough.
        metadata: Written into the file, with ``space``, ``view``, ``num_nodes`` and ``num_ops``.
        metric: Name of the predicted metric, one of `brpnas.datasets.MEASURED`.
        tolerance: See `check_parity`.
        exporter: See `brpnas.export.onnx.Exporter`.

    Returns:
        Largest error against torch.

    Raises:
        SchemaError: Without graphs.
        ParityError: If the outputs of the file differ.
    """
    feeds = [
        {
            f"{view}_{name}": value
            for view in DEVICE_VIEWS
            for name, value in graph_feeds(graphs.view(view)[rows]).items()
        }
        for rows in _samples(len(graphs), path)
    ]
    raw = graphs.view("raw")
    described = {
        "space": graphs.space,
        "view": "both",
        "num_nodes": str(raw.num_nodes),
        "num_ops": str(raw.num_ops),
        **(metadata or {}),
    }
    names = (metric, *MEASURED[metric].bounds)
    return _export(module, path, feeds, names, described, tolerance, exporter)


def _samples(count: int, path: Path) -> list[npt.NDArray[np.int64]]:
    """Rows to check a file on: one graph, a few, and many."""
    if not count:
        raise SchemaError(
            f"Cannot export {path.name}: no graphs to check it on. Give a sample of the space's "
            "graphs in the view of the predictor."
        )
    order = np.random.default_rng(0).permutation(count)
    return [np.resize(order, size) for size in _BATCHES]


def _export(
    module: nn.Module,
    path: Path,
    feeds: Sequence[Mapping[str, Tensor]],
    outputs: str | Sequence[str],
    metadata: Mapping[str, str],
    tolerance: float,
    exporter: Exporter,
) -> float:
    with atomic_path(path) as partial:
        export_module(module, partial, feeds[0], outputs, metadata=metadata, exporter=exporter)
        return check_parity(module, partial, feeds, tolerance)
