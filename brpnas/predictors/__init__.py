"""Predictors on architecture graphs: latency of a device, and the binary accuracy relation.

Use `fit_latency` for the latency of a whole space from a few measurements, and
`PairwiseRanker` to rank architectures by accuracy from a few trainings, or `HybridRanker`,
which joins it with a Gaussian process and needs fewer of them. All average
networks that `training_pool` trains in parallel. `TrainingConfig` sets their size and schedule.
`load_latency` reads a latency predictor of any kind, and `LatencyModel` is what all of them can do.
`brpnas.predictors.baselines` holds what they must beat.
"""

from brpnas.predictors.ensemble import training_pool
from brpnas.predictors.hybrid import HybridRanker
from brpnas.predictors.latency import LatencyPredictor, MeasuredRows, fit_latency
from brpnas.predictors.model import LatencyModel, load_latency
from brpnas.predictors.pairwise import PairwiseRanker
from brpnas.predictors.training import TrainingConfig

__all__ = [
    "HybridRanker",
    "LatencyModel",
    "LatencyPredictor",
    "MeasuredRows",
    "PairwiseRanker",
    "TrainingConfig",
    "fit_latency",
    "load_latency",
    "training_pool",
]
