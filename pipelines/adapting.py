"""A predictor of a device adapted from known devices: shared by `retrain` and `train`.

Both learn from all rows except held-out ones, so `retrain` registers the predictor of the search.
"""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pandas as pd

from brpnas.datasets import DeviceMetric, stated_size
from brpnas.datasets.metrics import LATENCY_MS
from brpnas.errors import ConfigurationError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MeasuredRows, TrainingConfig, training_pool
from brpnas.predictors.transfer import AdaptConfig, DevicePredictor, DevicePrior, fit_device
from brpnas.predictors.transfer.device import LEAST_ROWS
from brpnas.spaces import get_space
from pipelines.config import AdaptationConfig

__all__ = ["adapt", "learnt_from", "transfer_note"]

_log = logging.getLogger(__name__)


def adapt(
    graphs: SpaceGraphs,
    learn: pd.DataFrame,
    prior: DevicePrior,
    metric: DeviceMetric,
    config: AdaptationConfig,
    *,
    held_out: int,
) -> DevicePredictor:
    """Learn a metric of a device from its rows and the prior of known devices.

    Args:
        graphs: The space, or its measured part.
        learn: Rows to learn from, columns ``arch_id, measured``.
        prior: Prior of known devices; its answers for this device are not used.
        metric: The metric with its device.
        config: Settings of the adaptation.
        held_out: Number of test rows, for the error message.

    Raises:
        ConfigurationError: If there are too few rows to learn from.
    """
    device = str(metric.device)
    if len(learn) < LEAST_ROWS:
        raise ConfigurationError(
            f"Of the {len(learn) + held_out} measured cells of {device}, {held_out} are test "
            f"rows, so {len(learn)} are left to learn from, and {LEAST_ROWS} are needed. Measure "
            "more: `brpnas devices suggest` names cells outside the test rows."
        )
    rows = MeasuredRows(
        graphs.rows(learn["arch_id"].tolist()), learn["measured"].to_numpy(np.float64)
    )
    values = config.model_dump(include=set(AdaptConfig.__dataclass_fields__))
    settings = AdaptConfig(**values | {"network": TrainingConfig(**config.network.model_dump())})
    with training_pool(config.workers) as pool:
        predictor = fit_device(
            graphs,
            rows,
            prior.without([device]),
            settings,
            metric=metric.metric,
            seed=config.seed,
            pool=pool,
            progress=True,
        )
    _log.info(
        "%s: %s, from %d rows; mean error of the logarithm on rows left out: %s",
        *(metric, predictor.method, predictor.rows),
        ", ".join(f"{name} {error:.3f}" for name, error in predictor.errors.items()),
    )
    sized = replace(predictor, network_size=stated_size(learn))
    if note := transfer_note(sized, prior, device):
        _log.warning("%s", note)
    return sized


def learnt_from(prior: DevicePrior, metric: DeviceMetric) -> bool:
    """Whether a prior was trained on values of a device metric: it knows latencies only."""
    return metric.metric == LATENCY_MS and metric.device in prior.devices


def transfer_note(predictor: DevicePredictor, prior: DevicePrior, device: str) -> str:
    """Name known devices measured with networks of another size, and the error.

    Returns:
        One or two sentences; empty without such devices.
    """
    published = get_space(prior.space).published.size
    own = predictor.network_size or published
    others: dict[str, list[str]] = {}
    sizes = prior.network_sizes or (published,) * len(prior.devices)
    for name, size in zip(prior.devices, sizes, strict=True):
        if size != own and name != device:
            others.setdefault(size, []).append(name)
    if not others:
        return ""
    told = "; ".join(f"{size} ({', '.join(names)})" for size, names in others.items())
    return (
        f"Transfer: known devices were measured with networks of the size {told}; {device} with "
        f"networks of the size {own}. The mean error of the logarithm on rows left out is "
        f"{predictor.errors[predictor.method]:.3f}."
    )
