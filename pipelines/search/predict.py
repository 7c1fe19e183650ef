"""Predicted metrics of unlisted architectures, for a search in a space too large to list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from brpnas.graphs import SpaceGraphs
from brpnas.predictors import LatencyModel
from brpnas.spaces import NetworkConfig, get_space

__all__ = ["PredictedMetrics"]


@dataclass(frozen=True)
class PredictedMetrics:
    """Latency by the predictor of `train`, parameters and multiply-adds by the space.

    Names and units are the same as for listed architectures (`ingest`, `train`). Picklable, for
    searches in other processes.

    Args:
        space: Name of the space.
        predictor: The latency predictor.
        network: Network of an architecture; decides parameters and multiply-adds.
    """

    space: str
    predictor: LatencyModel
    network: NetworkConfig

    def __call__(self, arch_ids: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
        """Return ``latency_ms, flops_m, params_m``, each of shape ``[N]``; NaN where unknown."""
        space = get_space(self.space)
        params, flops = space.cost(arch_ids, self.network)
        views = {view: space.encode(arch_ids, view) for view in self.predictor.views}
        graphs = SpaceGraphs(space.name, tuple(arch_ids), views)
        return {
            "latency_ms": self.predictor.predict(graphs),
            "flops_m": flops / 1e6,
            "params_m": params / 1e6,
        }
