"""Networks trained on the rows of the device alone, one per fold, each without its fold.

`fit_folds` trains them. Their mean is the predictor *from scratch*; the prediction of each for its
own fold gives an honest error for every row.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brpnas.graphs import GraphBatch
from brpnas.predictors.ensemble import GraphEnsemble, train_members
from brpnas.predictors.training import (
    Labelled,
    TrainedNetwork,
    TrainingConfig,
    TrainingTask,
    absolute_error,
)

__all__ = ["FoldNetworks", "fit_folds"]


@dataclass(frozen=True, eq=False)
class FoldNetworks:
    """Networks of one device, one per fold.

    Args:
        ensemble: Their mean, in standardised log latency.
        location: Offset in ``log(latency / ms) = output * scale + location``.
        scale: Factor in the same formula.
        left_out: Log latency of each row by the network trained without it, shape ``[n]``.
    """

    ensemble: GraphEnsemble
    location: float
    scale: float
    left_out: npt.NDArray[np.float64]


def fit_folds(
    graphs: GraphBatch,
    log_latency: npt.NDArray[np.float64],
    config: TrainingConfig,
    folds: int,
    *,
    pays: Callable[[npt.NDArray[np.int64], npt.NDArray[np.float64]], bool] | None = None,
    seed: int = 0,
    pool: Executor | None = None,
    progress: bool = False,
) -> FoldNetworks | None:
    """Train a network without each fold, for all epochs: the left-out fold stops no training.

    Args:
        graphs: The rows in one view, ``n`` of them.
        log_latency: Logarithm of the latency in ms of each, shape ``[n]``.
        config: Size and schedule of the networks.
        folds: Number of folds.
        pays: Asked after the first network, with the places of its left-out rows and their
            predicted log latency: whether the others are worth their time. None trains all.
        seed: Decides folds and weights.
        pool: Processes to train in, see `brpnas.predictors.training_pool`.
        progress: Show a progress bar.

    Returns:
        The networks; None if the others are not worth their time.
    """
    location, scale = float(log_latency.mean()), max(float(log_latency.std()), 1e-6)
    targets = (log_latency - location) / scale
    fold = np.random.default_rng(seed).permutation(len(targets)) % folds
    tasks = [
        TrainingTask(
            Labelled(graphs[fold != f], targets[fold != f]), config, absolute_error, 1000 * seed + f
        )
        for f in range(folds)
    ]
    left_out = np.empty(len(targets))
    trained = train_members(tasks[:1], pool, progress=progress)
    left_out[fold == 0] = _outputs(trained[0], config, graphs[fold == 0]) * scale + location
    if pays is not None and not pays(np.flatnonzero(fold == 0), left_out[fold == 0]):
        return None
    trained += train_members(tasks[1:], pool, progress=progress)
    for f in range(1, folds):
        left_out[fold == f] = _outputs(trained[f], config, graphs[fold == f]) * scale + location
    ensemble = GraphEnsemble.of(trained, config, graphs.num_ops)
    return FoldNetworks(ensemble, location, scale, left_out)


def _outputs(
    trained: TrainedNetwork, config: TrainingConfig, graphs: GraphBatch
) -> npt.NDArray[np.float64]:
    return GraphEnsemble.of([trained], config, graphs.num_ops).outputs(graphs)
