"""Predictors on architecture graphs: latency of a device, and accuracy by pairwise ranking.

Use `fit_latency` for the latency of a whole space from a few measurements. Use `PairwiseRanker` to
rank architectures by accuracy from a few trainings; `HybridRanker` adds a Gaussian process and
needs fewer. Ensemble members are trained in parallel by `training_pool`, with size and schedule
from `TrainingConfig`. `load_latency` reads a latency predictor of any kind, with the interface
`LatencyModel`. `brpnas.predictors.baselines` holds the baselines.
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
