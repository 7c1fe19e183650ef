"""Nodes of the stage `retrain`: from a device's table to a registered predictor.

The table is validated and split; a predictor is adapted, exported, compared with the champion on
the test rows, and registered. `promote` decides about the new champion.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import LATENCY, MEASURED, DeviceMetric, held_out, validate
from brpnas.devices import Intake, intake_report
from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.export import export_device_predictor
from brpnas.graphs import SpaceGraphs
from brpnas.predictors.transfer import DevicePrior
from brpnas.spaces import opened_space
from pipelines.adapting import adapt, learnt_from, transfer_note
from pipelines.config import AdaptationConfig, RetrainConfig, parse
from pipelines.retrain.device import AdaptedDevice, ExportedPredictor, measured_column

__all__ = ["adapt_device", "answer_rows", "export_device", "read_device", "split_device"]

_CHECKED = 1000
"""Architectures to check an export on, in a space too large to list."""

_log = logging.getLogger(__name__)

Tables = Mapping[str, Callable[..., pd.DataFrame]]


def read_device(
    files: Mapping[str, Callable[..., Intake]],
    measured: Tables,
    device: str,
    space: str,
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """Read and check the latencies of a device.

    Args:
        files: Readers of the latency files of owners, by device.
        measured: Readers of the tables of the stage `measure`, by device.
        device: Name of the device.
        space: Space of its architectures.
        params: Parameters of the stage.

    Returns:
        Latency table.

    Raises:
        UnknownNameError: If the device has neither a file nor a table.
        IntakeError: If the file is refused; lists all faults.
        SchemaError: If the table is malformed.
    """
    config = parse(RetrainConfig, params)
    if device in files:
        intake = files[device](space=space, least=config.least_rows, unit_check=config.unit_check)
        _log.info("%s", intake_report(intake))
        return intake.table
    if device in measured:
        origin = f"The table {device} in 01_raw/measured"
        return validate(measured[device](), LATENCY, origin=origin)
    raise UnknownNameError(
        "device in 01_raw/devices or 01_raw/measured", device, {*files, *measured}
    )


def split_device(
    table: pd.DataFrame, device: str, test_share: float, params: Mapping[str, Any]
) -> pd.DataFrame:
    """Rows of the metric to learn, split by a hash of the cell into test rows and others.

    Args:
        table: Table of the device.
        device: Name of the device.
        test_share: Share of the cells that are test rows.
        params: Parameters of the stage; ``metric`` names the metric.

    Returns:
        ``arch_id``, the metric, ``split``, the last ``learn`` or ``test``; ``network_size`` and
        ``precision`` if the table has them.

    Raises:
        ConfigurationError: If the table lacks the metric.
    """
    metric = parse(RetrainConfig, params).metric
    held = [name for name in MEASURED if name in table and table[name].notna().all()]
    if metric not in held:
        raise ConfigurationError(
            f"retrain.metric is {metric!r}, but the table of {device} holds only "
            f"{', '.join(held)}: add the column {metric} with a value in every row "
            "(docs/devices.md), or set retrain.metric to one of these."
        )
    names = ("arch_id", metric, "network_size", "precision")
    kept = [name for name in names if name in table]
    rows = table[kept].sort_values("arch_id", ignore_index=True)
    test = held_out(rows["arch_id"].tolist(), test_share)
    return rows.assign(split=pd.Series(np.where(test, "test", "learn"), dtype="str"))


def adapt_device(
    rows: pd.DataFrame, prior: DevicePrior, device: str, adaptation: Mapping[str, Any]
) -> AdaptedDevice:
    """Learn the metric of the device from its rows and the prior of known devices.

    Args:
        rows: Rows of the device, from `split_device`; test rows are not used.
        prior: Prior of known devices; its answers for this device are not used.
        device: Name of the device.
        adaptation: Parameters of `adaptation`.

    Raises:
        ConfigurationError: If too few rows remain to learn from.
    """
    config = parse(AdaptationConfig, adaptation)
    graphs = _graphs(prior.space, rows)
    metric = DeviceMetric(measured_column(rows), device)
    learn = rows[rows["split"] == "learn"].rename(columns={metric.metric: "measured"})
    predictor = adapt(graphs, learn, prior, metric, config, held_out=len(rows) - len(learn))
    return AdaptedDevice(
        metric, predictor, learnt_from(prior, metric), transfer_note(predictor, prior, device)
    )


def export_device(adapted: AdaptedDevice, params: Mapping[str, Any]) -> ExportedPredictor:
    """Export the predictor to ONNX, and compare it with torch.

    Raises:
        ParityError: If ONNX Runtime answers differently.
    """
    tolerance = parse(RetrainConfig, params).tolerance
    predictor = adapted.predictor
    space = opened_space(predictor.space, "The prior of devices")
    graphs = space.graphs(space.listed(np.random.default_rng(0), _CHECKED))
    metadata = {"device": str(adapted.metric.device), **predictor.metadata()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictor.onnx"
        error = export_device_predictor(
            predictor.module(),
            path,
            graphs,
            metadata,
            metric=predictor.metric,
            tolerance=tolerance,
        )
        return ExportedPredictor(path.read_bytes(), error, tolerance)


def answer_rows(adapted: AdaptedDevice, rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions for the test rows.

    Returns:
        ``arch_id, true, predicted, lower, upper``, in the unit of the metric.
    """
    predictor = adapted.predictor
    test = rows[rows["split"] == "test"]
    said = predictor.intervals(_graphs(predictor.space, test))
    return pd.DataFrame(
        {
            "arch_id": test["arch_id"].to_numpy(),
            "true": test[adapted.metric.metric].to_numpy(np.float64),
            "predicted": said[:, 0],
            "lower": said[:, 1],
            "upper": said[:, 2],
        }
    )


def _graphs(space: str, rows: pd.DataFrame) -> SpaceGraphs:
    """The architectures of some rows, in their order."""
    return opened_space(space, "The prior of devices").graphs(rows["arch_id"].tolist())
