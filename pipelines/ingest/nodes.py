"""Nodes of the stage `ingest`: from published files to tables, and a report of what was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.datasets.latbench import near_twins, read_latency
from brpnas.datasets.nasbench201 import read_accuracy, read_architectures
from brpnas.datasets.sources import load_catalogue
from brpnas.errors import ConfigurationError
from pipelines.config import IngestConfig, parse

__all__ = ["make_accuracy", "make_architectures", "make_latency", "report_ingest"]


def _require(benchmark: str, params: Mapping[str, Any], what: str) -> None:
    if benchmark not in parse(IngestConfig, params).benchmarks:
        raise ConfigurationError(
            f"ingest.benchmarks in conf/base/parameters_ingest.yml names no benchmark that holds "
            f"{what}: add {benchmark!r} to it."
        )


def make_architectures(published: Mapping[str, Path]) -> pd.DataFrame:
    """Architectures of NAS-Bench-201 from its published files, given by name."""
    return read_architectures(published)


def make_accuracy(published: Mapping[str, Path], params: Mapping[str, Any]) -> pd.DataFrame:
    """Accuracy of each training run in the published files, given by name.

    Raises:
        ConfigurationError: If the configuration leaves this benchmark out.
    """
    _require("nasbench201", params, "accuracies")
    return read_accuracy(published)


def make_latency(
    published: Mapping[str, Path], params: Mapping[str, Any]
) -> dict[str, pd.DataFrame]:
    """Latency table of each device from the published files, given by name.

    Raises:
        ConfigurationError: If the configuration leaves this benchmark out.
    """
    _require("latbench", params, "latencies")
    return {device: read_latency(path, device) for device, path in published.items()}


def report_ingest(
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    latency: Mapping[str, Callable[[], pd.DataFrame]],
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Rows of each table, devices that measure almost the same, and where all of it comes from.

    Args:
        architectures: The table of architectures.
        accuracy: The table of accuracies.
        latency: A function for each device that loads its table.
        params: Parameters of the stage.
    """
    tables = {device: load() for device, load in latency.items()}
    groups = parse(IngestConfig, params).benchmarks
    return {
        "rows": {
            "architectures": len(architectures),
            "accuracy": {name: len(rows) for name, rows in accuracy.groupby("dataset")},
            "latency": {device: len(table) for device, table in tables.items()},
        },
        "near_twins": [
            {"devices": [first, second], "spearman": round(value, 4)}
            for first, second, value in near_twins(tables)
        ],
        "sources": {
            source.name: source.model_dump(
                include={"group", "url", "sha256", "licence", "citation"}
            )
            for source in load_catalogue().values()
            if source.group in groups
        },
    }
