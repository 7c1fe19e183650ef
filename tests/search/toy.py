"""A small search task for tests: a space with duplicates, its accuracy table, a ranker in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from brpnas.graphs import GraphBatch
from brpnas.search.history import History, Plan, Record
from brpnas.search.limits import Limits
from brpnas.search.loop import run_search
from brpnas.search.pools.listed import ListedPool
from brpnas.testing.words import (
    LENGTH,
    LETTERS,
    SEEDS,
    ToySpace,
    accuracy_table,
    additive_accuracy,
    comparable,
    limits_of,
    make_oracle,
    make_pool,
    make_sampled_pool,
    predict_latency,
)


class RidgeRanker:
    """Ridge regression on how often each operation occurs at each node."""

    def __init__(self, penalty: float = 1e-2) -> None:
        self.penalty = penalty

    def _features(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        one_hot = np.eye(graphs.num_ops)[graphs.ops.astype(np.int64)]
        return one_hot.reshape(len(graphs), -1)

    def fit(self, graphs: GraphBatch, accuracy: npt.NDArray[np.float64], seed: int) -> None:
        x = self._features(graphs)
        gram = x.T @ x + self.penalty * np.eye(x.shape[1])
        self.weights = np.linalg.solve(gram, x.T @ (accuracy - accuracy.mean()))

    def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        return self._features(graphs) @ self.weights


def measured_limits(
    limit: float,
    worth_measuring: float,
    clear: float = math.nan,
    *,
    measurements: int = 1000,
) -> Limits:
    """A limit of measured latency.

    Predicted latencies above ``worth_measuring`` are clearly out, those up to ``clear`` are clearly
    within; none is without ``clear``.
    """
    errors = np.log(limit / np.array([worth_measuring, clear]))
    return limits_of(
        limit,
        sources={"latency_ms": "device"},
        confidence=0.99,
        errors={"latency_ms": errors},
        measurements=measurements,
    )


def pool_of(mask: npt.NDArray[np.bool_], **choices: Any) -> ListedPool:
    """All words; only words of a mask may be proposed."""
    limits = Limits.parse(["allowed >= 1"], ["allowed"])
    latency = predict_latency(ToySpace().enumerate())["latency_ms"]
    predicted = {"allowed": mask.astype(float), "latency_ms": latency}
    return ListedPool.create(
        ToySpace(), ToySpace().graphs(), limits=limits, predicted=predicted, seed=0, **choices
    )


def record(query: int, arch_id: str, accuracy: float | None = None, **fields: object) -> Record:
    """A record with only the values of the test; fails without an accuracy."""
    values: dict[str, object] = {
        "round": 0,
        "sampler": "random",
        "isomorphism_id": ToySpace().isomorphism_ids([arch_id])[0],
        "status": "failed" if accuracy is None else "ok",
        **fields,
    }
    return Record(query=query, arch_id=arch_id, accuracy=accuracy, **values)  # type: ignore[arg-type]


def history_of(*answers: tuple[str, float | None]) -> History:
    """History of architectures and their accuracies, one round."""
    return History([record(i, arch, acc) for i, (arch, acc) in enumerate(answers)])


__all__ = [
    "LENGTH",
    "LETTERS",
    "SEEDS",
    "Plan",
    "RidgeRanker",
    "ToySpace",
    "accuracy_table",
    "additive_accuracy",
    "comparable",
    "history_of",
    "limits_of",
    "make_oracle",
    "make_pool",
    "make_sampled_pool",
    "measured_limits",
    "pool_of",
    "predict_latency",
    "record",
    "run_search",
]
