"""Data sets in the form of MLflow: flat metrics, and one metric per series and step.

Functions from data to MLflow entities and tags; `pipelines.hooks` calls them.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import pandas as pd
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

__all__ = ["BATCH", "flatten", "history", "log_metrics", "metrics"]

BATCH = 1000
"""Most metrics in one request to an MLflow server."""

_SERIES = "_by_round"
_FORBIDDEN = re.compile(r"[^/\w.\- :]")


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float, int]]:
    """Yield each finite number of a nested mapping with its dotted path and its step.

    A list under a name that ends in ``_by_round`` has a number per round, the step; the step is 0
    elsewhere. Everything else is left out.
    """
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from flatten(value, f"{path}.")
            continue
        is_series = isinstance(value, list) and str(key).endswith(_SERIES)
        for step, number in enumerate(value if is_series else [value]):
            if isinstance(number, Real) and not isinstance(number, bool) and math.isfinite(number):
                yield path, float(number), step


def _metric(name: str, value: float, step: int, now: int) -> Metric:
    return Metric(_FORBIDDEN.sub("_", name), float(value), now, step)


def metrics(values: Mapping[str, Any], prefix: str) -> list[Metric]:
    """Metrics of a nested mapping of numbers, named ``<prefix>.<path>``; see `flatten`."""
    now = int(time.time() * 1000)
    return [
        _metric(f"{prefix}.{path}", number, step, now) for path, number, step in flatten(values)
    ]


def history(
    table: pd.DataFrame, step: str, by: Sequence[str] = (), prefix: str = ""
) -> list[Metric]:
    """Metrics of a table with one row per step and series.

    Args:
        table: Every numeric column but ``step`` and ``by`` becomes a metric.
        step: Column of the step.
        by: Columns naming the series; ``train_loss`` of member 1 becomes ``train_loss/member_1``.
        prefix: Text before each name.
    """
    now = int(time.time() * 1000)
    numeric = table.drop(columns=[step, *by]).select_dtypes("number").columns
    logged = []
    for record in table.to_dict("records"):
        suffix = "".join(f"/{column}_{record[column]}" for column in by)
        logged += [
            _metric(f"{prefix}{column}{suffix}", record[column], int(record[step]), now)
            for column in map(str, numeric)
            if pd.notna(record[column]) and math.isfinite(record[column])
        ]
    return logged


def log_metrics(client: MlflowClient, run_id: str, logged: Sequence[Metric]) -> None:
    """Send metrics in as few requests as the server allows."""
    for start in range(0, len(logged), BATCH):
        client.log_batch(run_id, metrics=logged[start : start + BATCH])
