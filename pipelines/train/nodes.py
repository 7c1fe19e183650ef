"""Nodes of the stage `train`: rows of a device, its predictor, predictions, metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import fitting_rows, held_out, stated_precision, stated_size
from brpnas.errors import BudgetError, ConfigurationError, UnknownNameError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import (
    LatencyModel,
    LatencyPredictor,
    MeasuredRows,
    TrainingConfig,
    fit_latency,
    training_pool,
)
from brpnas.predictors.transfer import DevicePredictor, DevicePrior
from pipelines.adapting import adapt, transfer_note
from pipelines.config import AdaptationConfig, TrainConfig, parse
from pipelines.train.score import describe_score, predict_baselines, scored_rows, scores

__all__ = [
    "predict_baselines",
    "predict_latency",
    "score_latency",
    "split_latency",
    "train_latency",
]

_log = logging.getLogger(__name__)


def split_latency(
    latency: Mapping[str, Callable[[], pd.DataFrame]],
    prior: DevicePrior,
    space: str,
    device: str,
    test_share: float,
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """Measured rows of a device, split into training, validation and test rows.

    Some cells are always test rows, see `brpnas.datasets.held_out`. Of the others, the parameters
    set the number of random training rows, and the rest are test rows; a predictor adapted from
    known devices learns from all of them, without validation rows.

    Args:
        latency: Loaders of the latency tables, by device.
        prior: Prior of known devices, with its space.
        space: Name of the space.
        device: Name of the device.
        test_share: Share of the cells that are always test rows.
        params: Parameters of the stage.

    Returns:
        Columns ``arch_id, latency_ms, network_size, precision, split``, the last ``train``,
        ``valid`` or ``test``; ``precision`` if the table has it.

    Raises:
        UnknownNameError: If the device has no table.
        ConfigurationError: If a predictor must be adapted in a space without a prior.
        BudgetError: If there are too few rows, or no test rows would remain.
    """
    config = parse(TrainConfig, params)
    if device not in latency:
        raise UnknownNameError("device with measured latency", device, latency)
    table = latency[device]()
    names = ("arch_id", "latency_ms", "network_size", "precision")
    kept = [name for name in names if name in table]
    rows = table[kept].sort_values("arch_id", ignore_index=True)
    held = held_out(rows["arch_id"].tolist(), test_share)
    open_rows = np.flatnonzero(~held)
    wanted = config.train_rows + config.valid_rows
    enough = wanted <= len(open_rows) and wanted < len(rows)
    if config.method == "adapted" and prior.space != space:
        raise ConfigurationError(
            f"train.method is 'adapted', and known devices are of the space {prior.space!r}, not "
            f"of {space!r}: set train.method to auto."
        )
    split = np.full(len(rows), "test", dtype=object)
    if config.method == "adapted" or (
        config.method == "auto" and not enough and prior.space == space
    ):
        split[open_rows] = "train"
    elif not enough:
        raise BudgetError(_too_few(rows, device, int(held.sum()), test_share, wanted))
    else:
        order = open_rows[np.random.default_rng(config.seed).permutation(len(open_rows))]
        split[order[: config.train_rows]] = "train"
        split[order[config.train_rows : wanted]] = "valid"
    return rows.assign(split=pd.Series(split, dtype="str"))


def _too_few(rows: pd.DataFrame, device: str, held: int, test_share: float, wanted: int) -> str:
    fitting = fitting_rows(rows["arch_id"].tolist(), test_share)
    fits = (
        f"--params=train.train_rows={fitting[0]},train.valid_rows={fitting[1]} fits"
        if fitting
        else "measure more"
    )
    return (
        f"train.train_rows + train.valid_rows = {wanted} is too much: {device} has {len(rows)} "
        f"measured architectures, of which {held} are always test rows, and one at least must be: "
        f"{fits}, or lower them."
    )


def _measured(graphs: SpaceGraphs, table: pd.DataFrame, split: str) -> MeasuredRows:
    chosen = table[table["split"] == split]
    rows = graphs.rows(chosen["arch_id"].tolist())
    return MeasuredRows(rows, chosen["latency_ms"].to_numpy(np.float64))


def train_latency(
    graphs: SpaceGraphs,
    latency_rows: pd.DataFrame,
    prior: DevicePrior,
    device: str,
    params: Mapping[str, Any],
    adaptation: Mapping[str, Any],
) -> tuple[LatencyModel, pd.DataFrame]:
    """Train the latency predictor; without validation rows, adapt it from known devices.

    Args:
        graphs: The whole space.
        latency_rows: Columns ``arch_id, latency_ms, network_size, split``; test rows are not
            used.
        prior: Prior of known devices.
        device: Name of the device.
        params: Parameters of the stage.
        adaptation: Parameters of `adaptation`.

    Returns:
        The predictor, and its losses with the columns ``member, epoch, train_loss, valid_loss``.
    """
    counts = latency_rows["split"].value_counts()
    predictor: LatencyModel
    if counts.get("valid", 0):
        trained = _trained(graphs, latency_rows, parse(TrainConfig, params))
        predictor = replace(trained, network_size=stated_size(latency_rows))
    else:
        predictor = adapt(
            graphs,
            latency_rows[latency_rows["split"] == "train"],
            prior,
            device,
            parse(AdaptationConfig, adaptation),
            held_out=int(counts.get("test", 0)),
        )
    return predictor, predictor.history


def _trained(
    graphs: SpaceGraphs, latency_rows: pd.DataFrame, config: TrainConfig
) -> LatencyPredictor:
    names = {field.name for field in fields(TrainingConfig)}
    with training_pool(config.workers) as pool:
        return fit_latency(
            graphs,
            _measured(graphs, latency_rows, "train"),
            _measured(graphs, latency_rows, "valid"),
            TrainingConfig(**config.model_dump(include=names)),
            view=config.view,
            members=config.members,
            bound=config.bound,
            seed=config.seed,
            pool=pool,
            progress=True,
        )


def predict_latency(
    predictor: LatencyModel, graphs: SpaceGraphs, latency_rows: pd.DataFrame, device: str
) -> pd.DataFrame:
    """Predicted and measured latency of every architecture of the space.

    Returns:
        Columns ``arch_id, device, network_size, precision, split, latency_ms,
        predicted_latency_ms, log_deviation, scored_ms``; ``network_size`` and ``precision`` are
        null if the table has none. ``split`` and ``latency_ms`` are null for unmeasured
        architectures.
        ``log_deviation`` is the standard deviation of log latency around the prediction, null if
        validation rows give the error instead. ``scored_ms`` is the prediction used for the figures
        of the predictor, made without the row itself: for test rows, and with few test rows also
        for training rows left out in turn, if the predictor has these predictions; else null.
    """
    stated = {
        "network_size": stated_size(latency_rows),
        "precision": stated_precision(latency_rows),
    }
    table = pd.DataFrame({"arch_id": list(graphs.arch_ids), "device": device})
    measured = latency_rows[["arch_id", "split", "latency_ms"]]
    table = table.merge(measured, on="arch_id", how="left").assign(
        **{name: pd.Series(value, table.index, dtype="str") for name, value in stated.items()}
    )
    table["predicted_latency_ms"] = predictor.predict(graphs)
    deviations = predictor.deviations(graphs)
    table["log_deviation"] = np.nan if deviations is None else deviations
    left_out = predictor.left_out if isinstance(predictor, DevicePredictor) else None
    table["scored_ms"] = scored_rows(table, latency_rows, left_out)
    columns = ["arch_id", "device", *stated, "split", "latency_ms", "predicted_latency_ms"]
    return table[[*columns, "log_deviation", "scored_ms"]]


def score_latency(
    predictor: LatencyModel,
    graphs: SpaceGraphs,
    latency_predictions: pd.DataFrame,
    baselines: pd.DataFrame,
    params: Mapping[str, Any],
    prior: DevicePrior | None = None,
) -> dict[str, Any]:
    """Figures of the predictor and of the baselines; logs a summary.

    Args:
        predictor: The trained predictor.
        graphs: The whole space.
        latency_predictions: Predicted and measured latency.
        baselines: Predictions of the baselines.
        params: Parameters of the stage.
        prior: Prior of known devices, if the predictor was adapted from them.

    Returns:
        The predictor and its data, and under ``metrics`` for each model the figures of
        `brpnas.metrics.regression_metrics` on the scored rows; ``model`` names the predictor among
        them, ``intervals`` holds the intervals of two of its figures.
    """
    config = parse(TrainConfig, params)
    adapted = isinstance(predictor, DevicePredictor)
    model = "adapted" if adapted else config.backbone
    counts = latency_predictions["split"].value_counts()
    device, known, transfer = str(latency_predictions["device"].iloc[0]), False, ""
    if isinstance(predictor, DevicePredictor) and prior is not None:
        known, transfer = device in prior.devices, transfer_note(predictor, prior, device)
    found: dict[str, Any] = {
        "device": device,
        "prior_knows_device": known,
        "transfer": transfer,
        "space": graphs.space,
        "network_size": predictor.network_size,
        "view": predictor.view,
        "members": 1 if adapted else config.members,
        "model": model,
        "method": predictor.method if isinstance(predictor, DevicePredictor) else "networks",
        "known_devices": list(predictor.known) if isinstance(predictor, DevicePredictor) else [],
        "rows": {split: int(counts.get(split, 0)) for split in ("train", "valid", "test")},
    }
    found |= scores(model, latency_predictions, baselines)
    describe_score(found, latency_predictions)
    return found
