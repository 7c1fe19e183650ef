"""The table `predictions`: measured and predicted values of metrics on devices.

One block of rows per device metric, each with all architectures of the space. The first block is
the latency on the device of the task.
"""

from __future__ import annotations

import pandas as pd

from brpnas.datasets.metrics import DeviceMetric
from brpnas.errors import SchemaError

__all__ = ["predicted_metrics", "rows_of"]


def predicted_metrics(table: pd.DataFrame) -> tuple[DeviceMetric, ...]:
    """Device metrics of a table, with their devices, in the order of their blocks.

    Args:
        table: Columns ``metric, device`` and others.
    """
    blocks = table[["metric", "device"]].drop_duplicates()
    return tuple(DeviceMetric(*row) for row in blocks.itertuples(index=False))


def rows_of(table: pd.DataFrame, metric: DeviceMetric) -> pd.DataFrame:
    """Rows of one device metric, numbered from 0.

    Args:
        table: Columns ``metric, device`` and others.
        metric: The device metric, with its device.

    Raises:
        SchemaError: If the table has no rows of it.
    """
    chosen = (table["metric"] == metric.metric) & (table["device"] == metric.device)
    if not chosen.any():
        known = ", ".join(map(str, predicted_metrics(table))) or "none"
        raise SchemaError(
            f"The predictions lack {metric}; they hold {known}. Run train again: it fits "
            "each metric that `constraints` and `objectives` name."
        )
    return table[chosen].reset_index(drop=True)
