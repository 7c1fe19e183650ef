"""Nodes to set up a search: its limits and its candidate pool."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.datasets import DeviceMetric, predicted_metrics, rows_of
from brpnas.errors import ConfigurationError, SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricModel
from brpnas.search import Limits, ListedPool, SampledPool
from brpnas.spaces import get_space
from pipelines.latency_size import check_latency_size, latency_size
from pipelines.limited import check_sources
from pipelines.predicted import task_device, task_rows
from pipelines.search.predict import PredictedDeviations, PredictedMetrics
from pipelines.search.settings import SearchSettings

__all__ = ["deviations_of", "metrics_of", "set_up_limits", "set_up_pool"]

_IDS = ("arch_id", "isomorphism_id")
_DEVIATION = "log_deviation of "
"""Start of the names of columns with deviations of predictions."""
_log = logging.getLogger(__name__)


def set_up_limits(
    settings: SearchSettings,
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    predictions: pd.DataFrame,
) -> tuple[Limits, pd.DataFrame]:
    """The limits of the search, and the predicted metrics of the listed architectures.

    Args:
        settings: Parameters of the search.
        graphs: Graphs of the architectures listed by `ingest`.
        architectures: The listed architectures.
        predictions: Their predicted metrics.

    Returns:
        The limits, and columns ``arch_id, isomorphism_id``, one per metric: those of devices, as
        ``latency_ms``, ``energy_mj@box``, and ``flops_m, params_m``; and one per known deviation,
        see `metrics_of` and `deviations_of`.

    Raises:
        ConfigurationError: If the search would train or measure networks of one size and predict
            the latency of another.
        ConstraintError: If a constraint cannot be read or names an unknown metric.
        SchemaError: If the graphs are of another space, or an architecture has no prediction.
    """
    config, space = settings.search, settings.space
    if graphs.space != space:
        raise SchemaError(
            f"The graphs are of the space {graphs.space!r}, but space is {space!r}: run ingest, "
            "featurise and train again, or set space back."
        )
    own = task_rows(predictions)
    device = task_device(predictions)
    check_latency_size(config, settings.network, device, latency_size(own, space))
    limits = Limits.from_predictions(
        settings.constraints,
        predictions,
        device=device,
        costs=settings.objectives.costs,
        **config.limits.model_dump(),
    )
    check_sources(limits, config.limits.source, device)
    candidates = architectures[["arch_id", "isomorphism_id"]].reset_index(drop=True)
    for metric in predicted_metrics(predictions):
        rows = rows_of(predictions, metric).set_index("arch_id").reindex(candidates["arch_id"])
        values = rows["predicted"]
        missing = values.isna()
        if missing.any():
            raise SchemaError(
                f"`predictions` has no {metric} for {int(missing.sum())} of {len(values)} "
                f"architectures, the first of them {values.index[missing][0]}: run train again."
            )
        name = str(metric.relative_to(device))
        candidates[name] = values.to_numpy(np.float64)
        if rows["log_deviation"].notna().any():
            candidates[f"{_DEVIATION}{name}"] = rows["log_deviation"].to_numpy(np.float64)
    params, flops = get_space(space).cost(candidates["arch_id"].tolist(), settings.network)
    return limits, candidates.assign(flops_m=flops / 1e6, params_m=params / 1e6)


def metrics_of(candidates: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Predicted metrics by name, each of shape ``[N]``, for `brpnas.search.Limits`."""
    names = [n for n in candidates.columns if not n.startswith((_DEVIATION, *_IDS))]
    return {name: candidates[name].to_numpy(np.float64) for name in names}


def deviations_of(candidates: pd.DataFrame) -> dict[str, npt.NDArray[np.float64]]:
    """Deviations of the logarithms of predictions by metric, each ``[N]``, where known."""
    names = [name for name in candidates.columns if name.startswith(_DEVIATION)]
    return {n.removeprefix(_DEVIATION): candidates[n].to_numpy(np.float64) for n in names}


def set_up_pool(
    settings: SearchSettings,
    limits: Limits,
    candidates: pd.DataFrame,
    graphs: SpaceGraphs,
    accuracy: pd.DataFrame,
    predictors: Mapping[str, MetricModel],
) -> ListedPool | SampledPool:
    """The candidate pool of the search.

    It holds the listed architectures; with ``search.sampler.candidates`` it draws from the whole
    space.
    With the oracle ``table``, only architectures of the table are answerable.

    Args:
        settings: Parameters of the search.
        limits: Its limits.
        candidates: Metrics of the listed architectures.
        graphs: Their graphs.
        accuracy: The answers of the oracle ``table``.
        predictors: Predict the metrics of unlisted architectures, by device metric.

    Raises:
        ConfigurationError: If the oracle ``table`` must answer for unlisted architectures.
        InfeasibleError: If no architecture may be proposed.
        ObjectiveError: If a cost among the objectives is unknown or constant.
    """
    config, space = settings.search, settings.space
    if config.sampler.candidates is not None:
        if config.oracle.name == "table":
            raise ConfigurationError(
                "search.sampler.candidates draws architectures that are in no table, and "
                "search.oracle.name is 'table', which cannot answer for them: set "
                "search.sampler.candidates to null."
            )
        models = _by_column(predictors, candidates.columns)
        pool: ListedPool | SampledPool = SampledPool.create(
            get_space(space),
            seed=config.seed,
            candidates=config.sampler.candidates,
            view=config.sampler.ranker.view,
            predict=PredictedMetrics(space, models, settings.network),
            limits=limits,
            predictor="-".join(model.digest() for model in models.values()),
            network=settings.network,
            deviate=PredictedDeviations(space, models),
        )
    else:
        pool = _listed_pool(settings, limits, candidates, graphs, accuracy)
    settings.objectives.check(pool, settings.known)
    return pool


def _listed_pool(
    settings: SearchSettings,
    limits: Limits,
    candidates: pd.DataFrame,
    graphs: SpaceGraphs,
    accuracy: pd.DataFrame,
) -> ListedPool:
    config = settings.search
    listed = candidates.set_index("arch_id").loc[list(graphs.arch_ids)].reset_index()
    mask = limits.proposable(graphs.arch_ids, metrics_of(listed), deviations_of(listed))
    _log_feasible(limits, listed, mask, config.budget.queries)
    valid = accuracy[(accuracy["dataset"] == settings.dataset) & (accuracy["split"] == "valid")]
    # For a data set without rows the oracle raises the error: it lists the known data sets.
    answerable = None
    if config.oracle.name == "table" and len(valid):
        answerable = np.isin(graphs.arch_ids, valid["arch_id"].unique().tolist())
        if not answerable[mask].all():
            _log.info("%d of %d feasible have accuracies", (mask & answerable).sum(), mask.sum())
    return ListedPool.create(
        get_space(settings.space),
        graphs,
        seed=config.seed,
        view=config.sampler.ranker.view,
        limits=limits,
        answerable=answerable,
        predicted=metrics_of(listed),
        deviations=deviations_of(listed),
        isomorphism_ids=listed["isomorphism_id"].tolist(),
        network=settings.network,
    )


def _by_column(
    predictors: Mapping[str, MetricModel], columns: Collection[str]
) -> dict[str, MetricModel]:
    """The predictors by column of the candidates: those of the task's device without it."""
    return {
        name if name in columns else DeviceMetric.parse(name).metric: predictor
        for name, predictor in predictors.items()
    }


def _log_feasible(
    limits: Limits, candidates: pd.DataFrame, mask: npt.NDArray[np.bool_], queries: int
) -> None:
    """Log the number of architectures clearly within; warn below twice the budget."""
    if limits.measures or not limits.errors:
        return
    plain = limits.predicted_feasible(candidates["arch_id"].tolist(), metrics_of(candidates))
    left, confidence = int(mask.sum()), f"{limits.confidence:.0%}"
    _log.info(
        "%d of %d architectures are feasible with a confidence of %s, %d by the predictions alone",
        *(left, len(mask), confidence, int(plain.sum())),
    )
    if left < 2 * queries and left < plain.sum() / 2:
        _log.warning(
            "The confidence of %s leaves %d architectures for a budget of %d queries. Measure more "
            "cells of the device to predict its metrics more surely, loosen the limit, or lower "
            "search.limits.confidence.",
            *(confidence, left, queries),
        )
