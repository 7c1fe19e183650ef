"""Predicted metrics of unlisted architectures, for a search in a space too large to list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricModel
from brpnas.spaces import NetworkConfig, get_space

__all__ = ["PredictedDeviations", "PredictedMetrics"]


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
        graphs = _graphs(self.space, self.predictors, arch_ids)
        return {
            **{name: predictor.predict(graphs) for name, predictor in self.predictors.items()},
            "flops_m": flops / 1e6,
            "params_m": params / 1e6,
        }


@dataclass(frozen=True)
class PredictedDeviations:
    """Deviations of the logarithms of the predictions. Picklable.

    Args:
        space: Name of the space.
        predictors: The predictors by device metric, without the device of the task.
    """

    space: str
    predictors: Mapping[str, MetricModel]

    def __call__(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Return the deviations of each metric by name, of shape ``[N]``, if known."""
        graphs = _graphs(self.space, self.predictors, arch_ids)
        found = {name: predictor.deviations(graphs) for name, predictor in self.predictors.items()}
        return {name: values for name, values in found.items() if values is not None}


def _graphs(
    name: str, predictors: Mapping[str, MetricModel], arch_ids: Sequence[str]
) -> SpaceGraphs:
    """Graphs of architectures in the views of the predictors."""
    space = get_space(name)
    read = {view for predictor in predictors.values() for view in predictor.views}
    views = {view: space.encode(arch_ids, view) for view in sorted(read)}
    return SpaceGraphs(space.name, tuple(arch_ids), views)
