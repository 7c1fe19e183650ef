"""The search task as the nodes of this stage set it up from tables and parameters."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from brpnas.errors import SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import BinaryRelationPredictor, TrainingConfig
from brpnas.search import (
    HeldOutScores,
    Sampler,
    SearchContext,
    TableOracle,
    feasible_mask,
    get_sampler,
    task_fingerprint,
)
from brpnas.spaces import get_space
from pipelines.config import RankerConfig, SearchConfig

__all__ = [
    "feasible_scores",
    "fingerprint",
    "make_context",
    "make_sampler",
    "predicted_metrics",
    "ranker_factory",
]

METRICS = {"latency_ms": "predicted_latency_ms", "flops_m": "flops_m", "params_m": "params_m"}
"""Metrics that a constraint may use, and the columns they come from."""


def predicted_metrics(
    architectures: pd.DataFrame, latency_predictions: pd.DataFrame, arch_ids: Sequence[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Each metric's values in the order of ``arch_ids``; unknown ones are NaN.

    Raises:
        SchemaError: If an architecture has no predicted latency.
    """
    table = architectures.set_index("arch_id")[["flops_m", "params_m"]].join(
        latency_predictions.set_index("arch_id")["predicted_latency_ms"]
    )
    table = table.reindex(list(arch_ids))
    missing = table["predicted_latency_ms"].isna()
    if missing.any():
        raise SchemaError(
            f"`latency_predictions` has no prediction for {int(missing.sum())} of {len(table)} "
            f"architectures, the first of them {table.index[missing][0]}: run train again."
        )
    return {name: table[column].to_numpy(np.float64) for name, column in METRICS.items()}


def make_context(
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    latency_predictions: pd.DataFrame,
    constraints: Sequence[str],
    config: SearchConfig,
) -> SearchContext:
    """The search task: which architectures are feasible by their predicted metrics.

    Raises:
        InfeasibleError: If none is.
    """
    metrics = predicted_metrics(architectures, latency_predictions, graphs.arch_ids)
    mask = feasible_mask(constraints, metrics, len(graphs))
    space = get_space(graphs.space)
    return SearchContext.create(
        space,
        graphs,
        seed=config.seed,
        view=config.ranker.view,
        feasible=mask,
        predicted=metrics,
    )


def ranker_factory(
    config: RankerConfig, pool: Executor | None = None
) -> Callable[[], BinaryRelationPredictor]:
    """A function that makes an untrained ranker; without a pool it can go to other processes."""
    training = TrainingConfig(**config.model_dump(exclude={"members", "view"}))
    return functools.partial(
        BinaryRelationPredictor, training, config.members, config.view, pool=pool
    )


def make_sampler(name: str, config: SearchConfig, pool: Executor | None = None) -> Sampler:
    """The sampler of that name with its parameters from the configuration."""
    parameters: dict[str, Any] = {"repeats": config.repeats}
    if name != "brp":
        return get_sampler(name, parameters)
    ranker = ranker_factory(config.ranker, pool)
    return get_sampler(name, parameters | {"rounds": config.rounds}, make_ranker=ranker)


def feasible_scores(accuracy: pd.DataFrame, dataset: str, context: SearchContext) -> HeldOutScores:
    """Test accuracies of the data set; the optimum is that of the feasible architectures."""
    names = context.names(np.flatnonzero(context.feasible))
    return HeldOutScores.from_table(accuracy, dataset, names)


def fingerprint(
    context: SearchContext,
    sampler: Sampler,
    oracle: TableOracle,
    ranker: RankerConfig,
    accuracy: pd.DataFrame,
) -> tuple[dict[str, Any], str]:
    """What makes the search this search, and a short hash of it for the name of its store.

    The answers are part of it: a table with other accuracies is another task. So is the release of
    the library, whose samplers may ask differently.
    """
    rows = accuracy[(accuracy["dataset"] == oracle.dataset) & (accuracy["split"] == "valid")]
    answers = int(pd.util.hash_pandas_object(rows, index=False).sum())
    task: Mapping[str, Any] = task_fingerprint(context, sampler, oracle)
    full = {**task, "answers": f"{answers:x}", "brpnas": version("brpnas")}
    if sampler.name == "brp":
        full["ranker"] = ranker.model_dump()
    digest = hashlib.sha256(json.dumps(full, sort_keys=True).encode()).hexdigest()
    return full, digest[:16]
