"""Samplers and rankers, built from the parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from brpnas.errors import ConfigurationError
from brpnas.predictors import HybridRanker, PairwiseRanker, TrainingConfig
from brpnas.search import Sampler, get_sampler
from brpnas.search.samplers import Ranker
from pipelines.config import RankerConfig, SearchConfig

__all__ = ["make_sampler", "pairwise_factory", "ranker_factory"]

_OF_BRP = (
    "rounds",
    "exploit_fraction",
    "neighbours",
    "flops_prior",
    "unconstrained_share",
    "choose_by",
)


def pairwise_factory(
    config: RankerConfig, pool: Executor | None = None
) -> Callable[[], PairwiseRanker]:
    """A function returning an untrained pairwise ranker; picklable without a pool."""
    training = TrainingConfig(**config.model_dump(exclude={"members", "view", "paths"}))
    return functools.partial(PairwiseRanker, training, config.members, config.view, pool=pool)


def ranker_factory(config: RankerConfig, pool: Executor | None = None) -> Callable[[], Ranker]:
    """A function returning an untrained ranker: pairwise alone, or combined with paths."""
    make = pairwise_factory(config, pool)
    return functools.partial(_hybrid, make) if config.paths else make


def _hybrid(make: Callable[[], PairwiseRanker]) -> HybridRanker:
    return HybridRanker(make())


def make_sampler(name: str, config: SearchConfig, pool: Executor | None = None) -> Sampler:
    """The sampler of a name, with its parameters from the configuration."""
    parameters: dict[str, Any] = {"repeats": config.repeats}
    if name != "brp":
        return get_sampler(name, parameters)
    if config.neighbours and config.candidates is None:
        raise ConfigurationError(
            "search.neighbours ranks architectures that are not listed, and search.candidates is "
            "null, so only those of ingest are asked: set search.neighbours to 0."
        )
    for key in _OF_BRP:
        parameters[key] = getattr(config, key)
    return get_sampler(name, parameters, make_ranker=ranker_factory(config.ranker, pool))
