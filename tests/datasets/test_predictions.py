"""The long table of predictions, block by block."""

from __future__ import annotations

import pandas as pd
import pytest

from brpnas.datasets import DeviceMetric, predicted_metrics, rows_of
from brpnas.errors import SchemaError


def table() -> pd.DataFrame:
    rows = [("latency_ms", "phone"), ("energy_mj", "box"), ("latency_ms", "box")]
    frame = pd.DataFrame([row for row in rows for _ in range(2)], columns=["metric", "device"])
    return frame.assign(arch_id=["a", "b"] * 3, predicted=range(6))


def test_device_metrics_are_in_the_order_of_their_blocks() -> None:
    found = [str(metric) for metric in predicted_metrics(table())]
    assert found == ["latency_ms@phone", "energy_mj@box", "latency_ms@box"]


def test_a_block_is_of_one_metric_on_one_device() -> None:
    block = rows_of(table(), DeviceMetric("energy_mj", "box"))
    assert block["predicted"].tolist() == [2, 3]
    assert block.index.tolist() == [0, 1]


def test_a_metric_without_predictions_is_an_error_that_names_the_others() -> None:
    with pytest.raises(SchemaError, match=r"energy_mj@phone.*energy_mj@box.* train again"):
        rows_of(table(), DeviceMetric("energy_mj", "phone"))
