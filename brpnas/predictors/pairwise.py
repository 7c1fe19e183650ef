"""Which of two architectures is more accurate: the pairwise ranker of BRP-NAS."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from brpnas.errors import BrpNasError, ConfigurationError
from brpnas.graphs import GraphBatch, View
from brpnas.predictors.ensemble import GraphEnsemble, SavedEnsemble, train_members
from brpnas.predictors.training import (
    FloatArray,
    Labelled,
    TrainingConfig,
    TrainingTask,
    pairwise_logistic,
)

__all__ = ["PairwiseRanker"]

_KIND = "pairwise_ranker"


class _Saved(SavedEnsemble):
    """Metadata of the file."""

    view: View


class PairwiseRanker:
    """Ranks architectures by comparing pairs (Dudziak et al., arXiv 2007.08668, 3.2).

    A shared network embeds both graphs and a linear head compares the embeddings,
    ``P(a > b) = sigmoid(w·e_a - w·e_b)``. Unlike the published head it is antisymmetric, so a
    comparison is a difference of two scores: all pairs of a batch come from one pass over its
    graphs, and a space is ranked by one pass and a sort.

    Args:
        config: Size and schedule of the networks.
        members: Networks to average.
        view: View of its graphs; saved with the weights.
        pool: Processes to train in, see `brpnas.predictors.training_pool`.
    """

    def __init__(
        self,
        config: TrainingConfig,
        members: int = 2,
        view: View = "function",
        pool: Executor | None = None,
    ) -> None:
        if members < 1:
            raise ConfigurationError(f"members must be 1 or more, not {members}.")
        self.config, self.members, self.view, self.pool = config, members, view, pool
        self._ensemble: GraphEnsemble | None = None

    def fit(self, graphs: GraphBatch, accuracy: FloatArray, seed: int) -> None:
        """Train from scratch on all ordered pairs.

        Args:
            graphs: Architectures, ``N`` of them.
            accuracy: Validation accuracy of each, fraction, shape ``[N]``.
            seed: Seeds the networks.

        Raises:
            ConfigurationError: If there are fewer than two architectures.
        """
        if len(graphs) < 2:
            raise ConfigurationError("A pairwise ranker needs two architectures or more.")
        rows = Labelled(graphs, accuracy)
        tasks = [
            TrainingTask(rows, self.config, pairwise_logistic, 1000 * seed + member)
            for member in range(self.members)
        ]
        trained = train_members(tasks, self.pool)
        self._ensemble = GraphEnsemble.of(trained, self.config, graphs.num_ops)

    def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Score of each graph, shape ``[N]``; higher is better."""
        return self._fitted().outputs(graphs)

    def probability(self, a: GraphBatch, b: GraphBatch) -> npt.NDArray[np.float64]:
        """P(a better than b) for each pair of rows, shape ``[N]``."""
        return np.asarray(1 / (1 + np.exp(self.score(b) - self.score(a))))

    def module(self) -> nn.Module:
        """Torch module ``(ops, adj) -> score``, for export."""
        return self._fitted()

    def save(self, path: Path) -> None:
        """Write to a safetensors file."""
        self._fitted().save(path, _KIND, {"view": self.view})

    @classmethod
    def load(cls, path: Path) -> PairwiseRanker:
        """Read the file of `save`.

        Raises:
            SchemaError: If the file is not a pairwise ranker.
        """
        ensemble, saved, _ = GraphEnsemble.load(path, _KIND, _Saved)
        predictor = cls(ensemble.config, len(ensemble.members), saved.view)
        predictor._ensemble = ensemble
        return predictor

    def _fitted(self) -> GraphEnsemble:
        if self._ensemble is None:
            raise BrpNasError("The ranker has not been trained: call fit first.")
        return self._ensemble
