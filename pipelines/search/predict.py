"""Predicted metrics of unlisted architectures, for a search in a space too large to list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricModel
from brpnas.spaces import NetworkConfig, get_space

__all__ = ["PredictedMetrics"]


@dataclass(frozen=True)
class PredictedMetrics:
    """Metrics of devices by the predictors of `train`, parameters and multiply-adds by the space.

    Names and units are the same as for listed architectures (`ingest`, `train`). Picklable, for
    searches in other processes.

    Args:
        space: Name of the space.
        predictors: The predictors by device metric, without the device of the task.
        network: Network of an architecture; decides parameters and multiply-adds.
    """

    space: str
    predictors: Mapping[str, MetricModel]
    network: NetworkConfig

    def __call__(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Return each metric by name, such as ``latency_ms``, of shape ``[N]``; NaN if unknown."""
        space = get_space(self.space)
        params, flops = space.cost(arch_ids, self.network)
        read = {view for predictor in self.predictors.values() for view in predictor.views}
        views = {view: space.encode(arch_ids, view) for view in sorted(read)}
        graphs = SpaceGraphs(space.name, tuple(arch_ids), views)
        return {
            **{name: predictor.predict(graphs) for name, predictor in self.predictors.items()},
            "flops_m": flops / 1e6,
            "params_m": params / 1e6,
        }
