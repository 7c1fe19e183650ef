"""Rankers for comparison with the pairwise ranker.

`UnaryRanker` is the same network trained to predict the accuracy, like the unary predictors of the
paper. `make_sampler_of` makes the sampler of a benchmark's task.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import settings, training_config
from brpnas.graphs import GraphBatch
from brpnas.predictors.ensemble import GraphEnsemble, train_members
from brpnas.predictors.training import (
    FloatArray,
    Labelled,
    TrainingConfig,
    TrainingTask,
    absolute_error,
)
from brpnas.search import Sampler, get_sampler
from brpnas.search.samplers import BRPSampler, Ranker
from pipelines.config import RankerConfig, parse
from pipelines.search.samplers import ranker_factory

__all__ = ["UnaryRanker", "make_sampler_of", "ranker_of", "search_settings"]

_NOT_OF_SAMPLER = {"candidates", "ranker"}
"""Parameters of the pool and of the ranker."""


class UnaryRanker:
    """Regression of standardised accuracy by the same network, from the same rows.

    Args:
        config: Size of the networks and how to train them.
        members: Networks to average.
    """

    def __init__(self, config: TrainingConfig, members: int = 1) -> None:
        self.config, self.members = config, members

    def fit(self, graphs: GraphBatch, accuracy: FloatArray, seed: int) -> None:
        """Train from nothing on graphs and their accuracies (fractions, ``[N]``)."""
        spread = float(np.std(accuracy)) or 1.0
        rows = Labelled(graphs, (np.asarray(accuracy) - np.mean(accuracy)) / spread)
        tasks = [
            TrainingTask(rows, self.config, absolute_error, 1000 * seed + member)
            for member in range(self.members)
        ]
        self._ensemble = GraphEnsemble.of(train_members(tasks), self.config, graphs.num_ops)

    def score(self, graphs: GraphBatch) -> npt.NDArray[np.float64]:
        """Standardised accuracy of each graph, shape ``[N]``."""
        return self._ensemble.outputs(graphs)


def search_settings(environment: str = "base", **changes: Any) -> dict[str, Any]:
    """Default settings of the brp sampler with changes; part of a task.

    Args:
        environment: Folder of ``conf``, see `benchmarks.data.settings`.
        changes: Replaced values.

    Returns:
        The parameters `search.sampler`, with ``rounds`` and ``reevaluations`` of `search.budget`.
    """
    values = settings("search", environment)
    shipped = {**values["budget"], **values["sampler"]}
    del shipped["queries"], shipped["name"]
    return shipped | changes


def ranker_of(config: Mapping[str, Any]) -> tuple[Callable[[], Ranker], dict[str, Any]]:
    """Maker of the ranker, and the parameters of the brp sampler, from `search_settings`."""
    parameters = {key: value for key, value in config.items() if key not in _NOT_OF_SAMPLER}
    return ranker_factory(parse(RankerConfig, config["ranker"])), parameters


def make_sampler_of(task: Mapping[str, Any]) -> Sampler:
    """The sampler of a task.

    Args:
        task: ``sampler``, a name of `brpnas.search.get_sampler`; for ``brp`` also ``config`` from
            `search_settings`, and optionally ``ranker: unary`` instead of the pairwise ranker.
    """
    if task["sampler"] != BRPSampler.name:
        return get_sampler(task["sampler"])
    config = task["config"]
    make, parameters = ranker_of(config)
    if task.get("ranker") == "unary":
        ranker = parse(RankerConfig, config["ranker"])
        make = functools.partial(UnaryRanker, training_config(config["ranker"]), ranker.members)
    return get_sampler(BRPSampler.name, parameters, make_ranker=make)
