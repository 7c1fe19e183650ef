"""Reads the outputs of `train` for the task: the latency on its device comes first in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import pandas as pd

from brpnas.datasets.predictions import predicted_metrics, rows_of

__all__ = ["of_task", "task_device", "task_rows"]

T = TypeVar("T")


def of_task(by_metric: Mapping[str, T]) -> T:
    """The entry of the task, of entries by device metric."""
    return next(iter(by_metric.values()))


def task_device(predictions: pd.DataFrame) -> str:
    """Device of the task, of a table of predictions."""
    return str(predictions["device"].iloc[0])


def task_rows(predictions: pd.DataFrame) -> pd.DataFrame:
    """Rows of the latency on the device of the task, of a table of predictions."""
    return rows_of(predictions, predicted_metrics(predictions)[0])
