"""The binary relation predictor joined by Gaussian processes: the ranker for few trainings.

Use `HybridRanker` where every training counts, as in a search of one's own; a
`BinaryRelationPredictor` alone ranks faster and can be exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.stats
import torch
from torch import Tensor

from brpnas.errors import BrpNasError
from brpnas.graphs import GraphBatch
from brpnas.predictors.paths import PathFeatures
from brpnas.predictors.relation import BinaryRelationPredictor
from brpnas.predictors.training import FloatArray, single_thread
from brpnas.predictors.transfer.kernel import Posterior, Task, condition, covariance, learn_settings

__all__ = ["HybridRanker", "normal_scores"]

_LEARN_FROM = 512
"""Rows, at most, that the settings of a kernel are learnt from; all rows are then conditioned on."""
_CHUNK = 8192
_WEIGHTS = (1.0, 1.0, 1.0)
"""Of the relation, the process on paths, and the process on embeddings and paths."""


def normal_scores(values: FloatArray) -> npt.NDArray[np.float64]:
    """Values replaced by the normal quantiles of their ranks, shape ``[N]``; ties share one."""
    ranks = scipy.stats.rankdata(values)
    return np.asarray(scipy.stats.norm.ppf((ranks - 0.5) / len(ranks)), np.float64)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What a fit leaves: how to describe graphs, two processes, and the size of each score."""

    paths: PathFeatures
    centres: list[npt.NDArray[np.float64]]
    sizes: list[float]
    alone: Posterior
    deep: Posterior
    spread: npt.NDArray[np.float64]


class HybridRanker:
    r"""Ranks architectures by a weighted mean of three scores.

    - the score of a `BinaryRelationPredictor`,
    - a Gaussian process on `PathFeatures`, which is better than a network from very few graphs,
    - a Gaussian process on these and on the embeddings of the relation's networks (deep kernel
      learning, Wilson et al., AISTATS 2016, arXiv 1511.02222), which is better from many.

    The processes see the normal scores of the ranks of the accuracies, so that the few
    architectures that fail to train do not drown the differences among the others. The score of a
    graph does not depend on which others it is ranked with.

    Args:
        relation: The relation predictor, untrained; its view should be the pruned one.

    Example:
        >>> from brpnas.predictors import TrainingConfig
        >>> from brpnas.spaces import get_space
        >>> space = get_space("nasbench201")
        >>> graphs = space.encode(space.sample(np.random.default_rng(0), 8), "pruned")
        >>> tiny = BinaryRelationPredictor(TrainingConfig(hidden=4, layers=2, epochs=2), 1)
        >>> ranker = HybridRanker(tiny)
        >>> ranker.fit(graphs, np.linspace(0, 1, 8), seed=0)
        >>> ranker.score(graphs).shape
        (8,)
    """

    def __init__(self, relation: BinaryRelationPredictor) -> None:
        self.relation = relation
        self._parts: _Parts | None = None

    def fit(self, graphs: GraphBatch, accuracy: FloatArray, seed: int) -> None:
        """Train from nothing.

        Args:
            graphs: Architectures, ``N`` of them.
            accuracy: Validation accuracy of each, fraction, shape ``[N]``.
            seed: Seeds the networks, and which rows kernels are learnt from.

        Raises:
            ConfigurationError: If there are fewer than two architectures.
        """
        self.relation.fit(graphs, accuracy, seed)
        paths = PathFeatures(graphs)
        embeddings = self.relation.embeddings(graphs)
        centres = [embedding.mean(axis=0) for embedding in embeddings]
        sizes = [_size(e - c) for e, c in zip(embeddings, centres, strict=True)]
        described = _describe(paths, embeddings, centres, sizes, graphs)
        target = torch.from_numpy(normal_scores(accuracy))
        order = torch.from_numpy(np.random.default_rng(seed).permutation(len(graphs)))
        first = len(embeddings)
        alone = _process(described[first:], target, order)
        deep = _process(described, target, order)
        with single_thread():
            scores = [self.relation.score(graphs)]
            scores += [_mean(alone, described[first:]), _mean(deep, described)]
        spread = np.array([float(np.std(s)) or 1.0 for s in scores])
        self._parts = _Parts(paths, centres, sizes, alone, deep, spread)

    def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Score of each graph, shape ``[N]``; higher is better."""
        parts = self._fitted()
        chunks = []
        for start in range(0, len(graphs), _CHUNK):
            some = graphs[start : start + _CHUNK]
            alone, deep = self._processes(some)
            scores = np.stack([self.relation.score(some), alone, deep])
            chunks.append(np.asarray(_WEIGHTS) @ (scores / parts.spread[:, None]))
        return np.concatenate(chunks) if chunks else np.empty(0)

    def _processes(
        self, graphs: GraphBatch
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        parts = self._fitted()
        embeddings = self.relation.embeddings(graphs)
        described = _describe(parts.paths, embeddings, parts.centres, parts.sizes, graphs)
        return (
            _mean(parts.alone, described[len(embeddings) :]),
            _mean(parts.deep, described),
        )

    def _fitted(self) -> _Parts:
        if self._parts is None:
            raise BrpNasError("The ranker has not been trained: call fit first.")
        return self._parts


def _size(centred: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt((centred**2).sum(axis=1).mean())) or 1.0


def _describe(
    paths: PathFeatures,
    embeddings: Sequence[npt.NDArray[np.float64]],
    centres: Sequence[npt.NDArray[np.float64]],
    sizes: Sequence[float],
    graphs: GraphBatch,
) -> list[Tensor]:
    """Groups of features: one of each member, then those of the paths."""
    inner = [
        (embedding - centre) / size
        for embedding, centre, size in zip(embeddings, centres, sizes, strict=True)
    ]
    return [torch.from_numpy(np.ascontiguousarray(group)) for group in (*inner, *paths(graphs))]


def _process(features: Sequence[Tensor], target: Tensor, order: Tensor) -> Posterior:
    some = order[:_LEARN_FROM]
    settings = learn_settings([Task([group[some] for group in features], target[some])])
    with single_thread():
        return condition(settings, Task(features, target))


def _mean(process: Posterior, features: Sequence[Tensor]) -> npt.NDArray[np.float64]:
    cross = covariance(process.settings, features, process.features)
    return np.asarray((process.mean + cross @ process.weights).numpy())
