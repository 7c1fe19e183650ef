"""Nodes of the stage `train`: measured rows, predictors, predictions, and their figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from brpnas.datasets import (
    DeviceMetric,
    fitting_rows,
    held_out,
    predicted_metrics,
    rows_of,
    stated_precision,
    stated_size,
)
from brpnas.errors import BudgetError, ConfigurationError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import (
    MeasuredRows,
    MetricModel,
    MetricPredictor,
    TrainingConfig,
    fit_metric,
    training_pool,
)
from brpnas.predictors.transfer import DevicePredictor, DevicePrior
from pipelines.adapting import adapt, learnt_from, transfer_note
from pipelines.config import AdaptationConfig, TrainConfig, parse
from pipelines.train.score import describe_score, predict_baselines, scored_rows, scores
from pipelines.train.targets import Targets, choose_targets

__all__ = [
    "choose_targets",
    "predict_baselines",
    "predict_metrics",
    "score_predictors",
    "split_rows",
    "train_predictors",
]


def split_rows(
    targets: Targets,
    latency: Mapping[str, Callable[[], pd.DataFrame]],
    prior: DevicePrior,
    test_share: float,
    params: Mapping[str, Any],
) -> pd.DataFrame:
    """Measured rows of each device metric, split into training, validation and test rows.

    Some cells are always test rows, see `brpnas.datasets.held_out`. Of the others, the parameters
    set the number of random training rows, and the rest are test rows; a predictor adapted from
    known devices learns from all of them, without validation rows.

    Args:
        targets: The device metrics.
        latency: Loaders of the tables of devices.
        prior: Prior of known devices, with its space.
        test_share: Share of the cells that are always test rows.
        params: Parameters of the stage.

    Returns:
        Columns ``metric, device, arch_id, network_size, precision, split, measured``: one block of
        rows per device metric, in their order. ``split`` is ``train``, ``valid`` or ``test``;
        ``network_size`` and ``precision`` are null if the table has none.

    Raises:
        ConfigurationError: If a predictor must be adapted in a space without a prior.
        BudgetError: If there are too few rows, or no test rows would remain.
    """
    config = parse(TrainConfig, params)
    if config.method == "adapted" and prior.space != targets.space:
        raise ConfigurationError(
            f"train.method is 'adapted', and known devices are of the space {prior.space!r}, not "
            f"of {targets.space!r}: set train.method to auto."
        )
    adapts = config.method != "networks" and prior.space == targets.space
    blocks = []
    for device in dict.fromkeys(str(metric.device) for metric in targets.metrics):
        rows = latency[device]().sort_values("arch_id", ignore_index=True)
        rows["split"] = _split(rows["arch_id"].tolist(), device, test_share, config, adapts=adapts)
        blocks += [
            pd.DataFrame(
                {
                    "metric": metric.metric,
                    "device": device,
                    "arch_id": rows["arch_id"],
                    "network_size": stated_size(rows),
                    "precision": stated_precision(rows),
                    "split": rows["split"],
                    "measured": rows[metric.metric],
                }
            ).astype({"network_size": "str", "precision": "str"})
            for metric in targets.metrics
            if metric.device == device
        ]
    found = pd.concat(blocks, ignore_index=True)
    return pd.concat([rows_of(found, metric) for metric in targets.metrics], ignore_index=True)


def _split(
    arch_ids: Sequence[str], device: str, test_share: float, config: TrainConfig, *, adapts: bool
) -> pd.Series[str]:
    """Split of each row of a device: the same for all its metrics."""
    held = held_out(arch_ids, test_share)
    open_rows = np.flatnonzero(~held)
    wanted = config.train_rows + config.valid_rows
    enough = wanted <= len(open_rows) and wanted < len(arch_ids)
    split = np.full(len(arch_ids), "test", dtype=object)
    if config.method == "adapted" or (adapts and not enough):
        split[open_rows] = "train"
    elif not enough:
        raise BudgetError(_too_few(arch_ids, device, int(held.sum()), test_share, wanted))
    else:
        order = open_rows[np.random.default_rng(config.seed).permutation(len(open_rows))]
        split[order[: config.train_rows]] = "train"
        split[order[config.train_rows : wanted]] = "valid"
    return pd.Series(split, dtype="str")


def _too_few(
    arch_ids: Sequence[str], device: str, held: int, test_share: float, wanted: int
) -> str:
    fitting = fitting_rows(arch_ids, test_share)
    fits = (
        f"--params=train.train_rows={fitting[0]},train.valid_rows={fitting[1]} fits"
        if fitting
        else "measure more"
    )
    return (
        f"train.train_rows + train.valid_rows = {wanted} is too much: {device} has "
        f"{len(arch_ids)} measured architectures, of which {held} are always test rows, and one at "
        f"least must be: {fits}, or lower them."
    )


def _measured(graphs: SpaceGraphs, rows: pd.DataFrame, split: str) -> MeasuredRows:
    chosen = rows[rows["split"] == split]
    at = graphs.rows(chosen["arch_id"].tolist())
    return MeasuredRows(at, chosen["measured"].to_numpy(np.float64))


def train_predictors(
    graphs: SpaceGraphs,
    measured_rows: pd.DataFrame,
    prior: DevicePrior,
    params: Mapping[str, Any],
    adaptation: Mapping[str, Any],
) -> tuple[dict[str, MetricModel], pd.DataFrame]:
    """Train a predictor of each device metric; without validation rows, adapt it.

    Args:
        graphs: The whole space.
        measured_rows: Measured rows of `split_rows`; test rows are not used.
        prior: Prior of known devices.
        params: Parameters of the stage.
        adaptation: Parameters of `adaptation`.

    Returns:
        The predictors by device metric, and their losses with the columns ``metric, device,
        member, epoch, train_loss, valid_loss``.
    """
    predictors: dict[str, MetricModel] = {}
    histories = []
    for metric in predicted_metrics(measured_rows):
        rows = rows_of(measured_rows, metric)
        counts = rows["split"].value_counts()
        predictor: MetricModel
        if counts.get("valid", 0):
            trained = _trained(graphs, rows, metric.metric, parse(TrainConfig, params))
            predictor = replace(trained, network_size=stated_size(rows))
        else:
            predictor = adapt(
                graphs,
                rows[rows["split"] == "train"],
                prior,
                metric,
                parse(AdaptationConfig, adaptation),
                held_out=int(counts.get("test", 0)),
            )
        predictors[str(metric)] = predictor
        histories.append(_about(metric, predictor.history))
    return predictors, pd.concat(histories, ignore_index=True)


def _about(metric: DeviceMetric, table: pd.DataFrame) -> pd.DataFrame:
    """A table with its device metric in the first two columns."""
    named = {"metric": metric.metric, "device": metric.device}
    columns = {name: pd.Series(value, table.index, dtype="str") for name, value in named.items()}
    return pd.concat([pd.DataFrame(columns), table], axis=1)


def _trained(
    graphs: SpaceGraphs, rows: pd.DataFrame, metric: str, config: TrainConfig
) -> MetricPredictor:
    names = {field.name for field in fields(TrainingConfig)}
    with training_pool(config.workers) as pool:
        return fit_metric(
            graphs,
            _measured(graphs, rows, "train"),
            _measured(graphs, rows, "valid"),
            TrainingConfig(**config.model_dump(include=names)),
            view=config.view,
            members=config.members,
            bound=config.bound,
            metric=metric,
            seed=config.seed,
            pool=pool,
            progress=True,
        )


def predict_metrics(
    predictors: Mapping[str, MetricModel], graphs: SpaceGraphs, measured_rows: pd.DataFrame
) -> pd.DataFrame:
    """Predicted and measured values of every architecture of the space.

    Returns:
        One block of rows per device metric, with the columns ``metric, device, arch_id,
        network_size, precision, split, measured, predicted, log_deviation, scored``.
        ``network_size`` and ``precision`` are null if the table has none. ``split`` and
        ``measured`` are null for unmeasured architectures. ``log_deviation`` is the standard
        deviation of the logarithm around the prediction, null if validation rows give the error
        instead. ``scored`` is the prediction used for the figures of the predictor, made without
        the row itself: for test rows, and with few test rows also for training rows left out in
        turn, if the predictor has these predictions; else null.
    """
    blocks = []
    for metric in predicted_metrics(measured_rows):
        rows, predictor = rows_of(measured_rows, metric), predictors[str(metric)]
        stated = {"network_size": stated_size(rows), "precision": stated_precision(rows)}
        table = _about(metric, pd.DataFrame({"arch_id": list(graphs.arch_ids)})).assign(
            **{
                name: pd.Series(value, range(len(graphs)), dtype="str")
                for name, value in stated.items()
            }
        )
        table = table.merge(rows[["arch_id", "split", "measured"]], on="arch_id", how="left")
        table["predicted"] = predictor.predict(graphs)
        deviations = predictor.deviations(graphs)
        table["log_deviation"] = np.nan if deviations is None else deviations
        left_out = predictor.left_out if isinstance(predictor, DevicePredictor) else None
        table["scored"] = scored_rows(table, rows, left_out)
        blocks.append(table)
    return pd.concat(blocks, ignore_index=True)


def score_predictors(
    predictors: Mapping[str, MetricModel],
    graphs: SpaceGraphs,
    predictions: pd.DataFrame,
    baselines: pd.DataFrame,
    params: Mapping[str, Any],
    prior: DevicePrior | None = None,
) -> dict[str, dict[str, Any]]:
    """Figures of each predictor and of its baselines; logs a summary.

    Args:
        predictors: The predictors by device metric.
        graphs: The whole space.
        predictions: Predicted and measured values.
        baselines: Predictions of the baselines.
        params: Parameters of the stage.
        prior: Prior of known devices, if predictors were adapted from them.

    Returns:
        By device metric: the predictor and its data, and under ``metrics`` for each model the
        figures of `brpnas.metrics.regression_metrics` on the scored rows; ``model`` names the
        predictor among them, ``intervals`` holds the intervals of two of its figures.
    """
    config = parse(TrainConfig, params)
    found = {}
    for metric in predicted_metrics(predictions):
        described = _described(metric, predictors[str(metric)], config, prior)
        described["space"] = graphs.space
        found[str(metric)] = _with_figures(
            described, rows_of(predictions, metric), rows_of(baselines, metric)
        )
    return found


def _described(
    metric: DeviceMetric, predictor: MetricModel, config: TrainConfig, prior: DevicePrior | None
) -> dict[str, Any]:
    """A predictor and its data, without figures."""
    adapted = isinstance(predictor, DevicePredictor)
    model = "adapted" if adapted else config.backbone
    device, known, transfer = str(metric.device), False, ""
    if isinstance(predictor, DevicePredictor) and prior is not None:
        known, transfer = learnt_from(prior, metric), transfer_note(predictor, prior, device)
    return {
        "metric": metric.metric,
        "device": device,
        "prior_knows_device": known,
        "transfer": transfer,
        "network_size": predictor.network_size,
        "view": predictor.view,
        "members": 1 if adapted else config.members,
        "model": model,
        "method": predictor.method if isinstance(predictor, DevicePredictor) else "networks",
        "known_devices": list(predictor.known) if isinstance(predictor, DevicePredictor) else [],
    }


def _with_figures(
    described: Mapping[str, Any], predictions: pd.DataFrame, baselines: pd.DataFrame
) -> dict[str, Any]:
    """A predictor with the figures of its rows; logs a summary."""
    counts = predictions["split"].value_counts()
    rows = {split: int(counts.get(split, 0)) for split in ("train", "valid", "test")}
    found = {**described, "rows": rows, **scores(described["model"], predictions, baselines)}
    describe_score(found, predictions)
    return found
