"""A pairwise ranker plus a Gaussian process: the ranker for few trainings.

Use `HybridRanker` if trainings are few; a `PairwiseRanker` alone ranks faster and can be exported.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import scipy.stats

from brpnas.errors import BrpNasError
from brpnas.graphs import GraphBatch
from brpnas.predictors.pairwise import PairwiseRanker
from brpnas.predictors.paths import PathFeatures
from brpnas.predictors.relevance import RelevanceProcess, fit_relevance
from brpnas.predictors.training import FloatArray

__all__ = ["HybridRanker", "normal_scores"]

_CHUNK = 8192


def normal_scores(values: FloatArray) -> npt.NDArray[np.float64]:
    """Values replaced by the normal quantiles of their ranks, shape ``[N]``; ties share one."""
    ranks = scipy.stats.rankdata(values)
    return np.asarray(scipy.stats.norm.ppf((ranks - 0.5) / len(ranks)), np.float64)


class HybridRanker:
    """Ranks architectures by the sum of two standardised scores with different errors.

    One is the score of a `PairwiseRanker`. The other is the mean of a Gaussian process on
    `PathFeatures` (`brpnas.predictors.relevance`), as good as the network from a hundred
    architectures. The process sees the normal scores of the ranks of the accuracies, so a few
    failed trainings do not hide the differences among the others. The score of a graph does not
    depend on the rest of the batch.

    Args:
        pairwise: The pairwise ranker, untrained; its view should be ``function``.

    Examples:
        >>> from brpnas.predictors import TrainingConfig
        >>> from brpnas.spaces import get_space
        >>> space = get_space("nasbench201")
        >>> graphs = space.encode(space.sample(np.random.default_rng(0), 8), "function")
        >>> tiny = PairwiseRanker(TrainingConfig(hidden=4, layers=2, epochs=2), 1)
        >>> ranker = HybridRanker(tiny)
        >>> ranker.fit(graphs, np.linspace(0, 1, 8), seed=0)
        >>> ranker.score(graphs).shape
        (8,)
    """

    def __init__(self, pairwise: PairwiseRanker) -> None:
        self.pairwise = pairwise
        self._paths: PathFeatures | None = None
        self._process: RelevanceProcess | None = None
        self._spread = (1.0, 1.0)

    def fit(self, graphs: GraphBatch, accuracy: FloatArray, seed: int) -> None:
        """Train from scratch.

        Args:
            graphs: Architectures, ``N`` of them.
            accuracy: Validation accuracy of each, fraction, shape ``[N]``.
            seed: Seeds the networks, and the rows for the hyperparameters of the process.

        Raises:
            ConfigurationError: If there are fewer than two architectures.
        """
        self.pairwise.fit(graphs, accuracy, seed)
        self._paths = PathFeatures(graphs)
        self._process = fit_relevance(self._paths(graphs), normal_scores(accuracy), seed=seed)
        parts = self.pairwise.score(graphs), self.expected(graphs)
        self._spread = (float(np.std(parts[0])) or 1.0, float(np.std(parts[1])) or 1.0)

    def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Score of each graph, shape ``[N]``; higher is better."""
        of_pairwise, of_process = self._spread
        return self.pairwise.score(graphs) / of_pairwise + self.expected(graphs) / of_process

    def deviations(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Standard deviation of each score, shape ``[N]``, as if both parts erred alike."""
        parts = [process.deviations(paths) for process, paths in self._chunks(graphs)]
        return 2 * np.concatenate(parts or [np.empty(0)]) / self._spread[1]

    def expected(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Expected normal score of each graph by the process alone, shape ``[N]``."""
        parts = [process.predict(paths) for process, paths in self._chunks(graphs)]
        return np.concatenate(parts or [np.empty(0)])

    def _chunks(
        self, graphs: GraphBatch
    ) -> Iterator[tuple[RelevanceProcess, list[npt.NDArray[np.float64]]]]:
        """The process, and features of graphs, part by part."""
        if self._paths is None or self._process is None:
            raise BrpNasError("The ranker has not been trained: call fit first.")
        for i in range(0, len(graphs), _CHUNK):
            yield self._process, self._paths(graphs[i : i + _CHUNK])
