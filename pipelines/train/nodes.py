"""Nodes of the stage `train`: rows of a device, its predictor, predictions, metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import held_out
from brpnas.errors import BudgetError, UnknownNameError
from brpnas.graphs import SpaceGraphs
from brpnas.metrics import regression_metrics
from brpnas.predictors import (
    LatencyPredictor,
    MeasuredRows,
    TrainingConfig,
    fit_latency,
    training_pool,
)
from brpnas.predictors.baselines import baseline_predictions
from brpnas.predictors.layerwise import LayerwisePredictor
from pipelines.config import TrainConfig, parse

__all__ = ["predict_latency", "score_latency", "split_latency", "train_latency"]


def split_latency(
    latency: Mapping[str, Callable[[], pd.DataFrame]],
    device: str,
    test_share: float,
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """Measured rows of a device, drawn at random into ``train``, ``valid`` and ``test``.

    Some cells are always test rows, see `brpnas.datasets.held_out`; so are all that are not drawn.

    Args:
        latency: A function for each device that loads its table.
        device: Name of the device.
        test_share: Share of the cells that are always test rows.
        params: Parameters of the stage.

    Returns:
        Columns ``arch_id, latency_ms, split``.

    Raises:
        UnknownNameError: If no table holds that device.
        BudgetError: If there are not so many rows, or none would be left to test on.
    """
    config = parse(TrainConfig, params)
    if device not in latency:
        raise UnknownNameError("device with measured latency", device, latency)
    rows = latency[device]()[["arch_id", "latency_ms"]].sort_values("arch_id", ignore_index=True)
    wanted = config.train_rows + config.valid_rows
    open_rows = np.flatnonzero(~held_out(rows["arch_id"].tolist(), test_share))
    if wanted > len(open_rows) or wanted >= len(rows):
        raise BudgetError(
            f"train.train_rows + train.valid_rows = {wanted} is too much: {device} has {len(rows)} "
            f"measured architectures, of which {len(rows) - len(open_rows)} are always test rows, "
            "and one at least must be: lower them in conf/base/parameters_train.yml."
        )
    order = open_rows[np.random.default_rng(config.seed).permutation(len(open_rows))]
    split = np.full(len(rows), "test", dtype=object)
    split[order[: config.train_rows]] = "train"
    split[order[config.train_rows : wanted]] = "valid"
    return rows.assign(split=pd.Series(split, dtype="str"))


def _measured(graphs: SpaceGraphs, table: pd.DataFrame, split: str) -> MeasuredRows:
    chosen = table[table["split"] == split]
    rows = graphs.rows(chosen["arch_id"].tolist())
    return MeasuredRows(rows, chosen["latency_ms"].to_numpy(np.float64))


def train_latency(
    graphs: SpaceGraphs, latency_rows: pd.DataFrame, params: Mapping[str, Any]
) -> tuple[LatencyPredictor, pd.DataFrame]:
    """Train the latency predictor.

    Args:
        graphs: The whole space.
        latency_rows: Columns ``arch_id, latency_ms, split``; test rows are not looked at.
        params: Parameters of the stage.

    Returns:
        The predictor, and its losses with the columns ``member, epoch, train_loss, valid_loss``.
    """
    config = parse(TrainConfig, params)
    names = {field.name for field in fields(TrainingConfig)}
    with training_pool(config.workers) as pool:
        predictor = fit_latency(
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
    return predictor, predictor.history


def predict_latency(
    predictor: LatencyPredictor, graphs: SpaceGraphs, latency_rows: pd.DataFrame, device: str
) -> pd.DataFrame:
    """Predicted latency of every architecture of the space, beside the measured one.

    Returns:
        Columns ``arch_id, device, split, latency_ms, predicted_latency_ms``; where an architecture
        was not measured, ``split`` and ``latency_ms`` are null.
    """
    table = pd.DataFrame({"arch_id": list(graphs.arch_ids), "device": device})
    table = table.merge(latency_rows, on="arch_id", how="left")
    table["predicted_latency_ms"] = predictor.predict(graphs)
    return table[["arch_id", "device", "split", "latency_ms", "predicted_latency_ms"]]


def score_latency(
    predictor: LatencyPredictor,
    graphs: SpaceGraphs,
    latency_predictions: pd.DataFrame,
    architectures: pd.DataFrame,
    operations: pd.DataFrame,
    params: Mapping[str, Any],
) -> dict[str, Any]:
    """Figures of the predictor and of the baselines beside it, on test rows alone.

    Args:
        predictor: What was trained.
        graphs: The whole space.
        latency_predictions: Its predictions beside what was measured.
        architectures: Parameters and multiply-adds.
        operations: Operations measured alone; if the device is among them, their sum is the
            baseline ``layerwise``.
        params: Parameters of the stage.

    Returns:
        What was trained on what, and under ``metrics`` for each model the figures of
        `brpnas.metrics.regression_metrics`; ``model`` names the predictor among them.
    """
    config = parse(TrainConfig, params)
    test = latency_predictions[latency_predictions["split"] == "test"]
    true, rows = test["latency_ms"].to_numpy(np.float64), graphs.rows(test["arch_id"].tolist())
    train = _measured(graphs, latency_predictions, "train")
    baselines = baseline_predictions(graphs, architectures, train)
    predictions = {config.backbone: test["predicted_latency_ms"].to_numpy(np.float64)}
    predictions |= {name: values[rows] for name, values in baselines.items()}
    device = str(latency_predictions["device"].iloc[0])
    alone = operations[operations["device"] == device]
    if len(alone):
        predictions["layerwise"] = LayerwisePredictor(alone).predict(test["arch_id"].tolist())
    counts = latency_predictions["split"].value_counts()
    return {
        "device": device,
        "space": graphs.space,
        "view": predictor.view,
        "members": config.members,
        "model": config.backbone,
        "rows": {split: int(counts.get(split, 0)) for split in ("train", "valid", "test")},
        "metrics": {
            name: regression_metrics(predicted, true) for name, predicted in predictions.items()
        },
    }
