"""Networks trained on the rows of the device alone, one per fold, each without its fold.

`fit_folds` trains them. Their mean is the predictor *from scratch*; the prediction of each for its
own fold gives an honest error for every row.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brpnas.graphs import GraphBatch
from brpnas.predictors.ensemble import GraphEnsemble, train_members
from brpnas.predictors.training import Labelled, TrainingConfig, TrainingTask, absolute_error

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
    seed: int = 0,
    pool: Executor | None = None,
    progress: bool = False,
) -> FoldNetworks:
    """Train a network without each fold, for all epochs: the left-out fold decides nothing.

    Args:
        graphs: The rows in one view, ``n`` of them.
        log_latency: Logarithm of the latency in ms of each, shape ``[n]``.
        config: Size and schedule of the networks.
        folds: Number of folds.
        seed: Decides folds and weights.
        pool: Processes to train in, see `brpnas.predictors.training_pool`.
        progress: Show a progress bar.
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
    trained = train_members(tasks, pool, progress=progress)
    ensemble = GraphEnsemble.of(trained, config, graphs.num_ops)
    left_out = np.empty(len(targets))
    for f in range(folds):
        alone = GraphEnsemble.of([trained[f]], config, graphs.num_ops)
        left_out[fold == f] = alone.outputs(graphs[fold == f])
    return FoldNetworks(ensemble, location, scale, left_out * scale + location)
