"""Predictors on architecture graphs: metrics of a device, and accuracy by pairwise ranking.

Use `fit_metric` for the latency, energy or memory of a whole space from a few measurements. Use
`PairwiseRanker` to rank architectures by accuracy from a few trainings; `HybridRanker` adds a
Gaussian process and needs fewer. Ensemble members are trained in parallel by `training_pool`, with
size and schedule from `TrainingConfig`. `load_predictor` reads a predictor of either kind, with the
interface `MetricModel`. `brpnas.predictors.baselines` holds the baselines.
"""

from brpnas.predictors.ensemble import training_pool
from brpnas.predictors.hybrid import HybridRanker
from brpnas.predictors.metric import MeasuredRows, MetricPredictor, fit_metric
from brpnas.predictors.model import MetricModel, load_predictor
from brpnas.predictors.pairwise import PairwiseRanker
from brpnas.predictors.training import TrainingConfig

__all__ = [
    "HybridRanker",
    "MeasuredRows",
    "MetricModel",
    "MetricPredictor",
    "PairwiseRanker",
    "TrainingConfig",
    "fit_metric",
    "load_predictor",
    "training_pool",
]
