"""Samplers and rankers, built from the parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor

from brpnas.errors import ConfigurationError
from brpnas.predictors import HybridRanker, PairwiseRanker, TrainingConfig
from brpnas.search import Sampler, get_sampler
from brpnas.search.samplers import BRPSampler, Ranker
from pipelines.config import BudgetConfig, RankerConfig, SamplerConfig

__all__ = ["make_sampler", "pairwise_factory", "ranker_factory"]


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


def make_sampler(
    config: SamplerConfig, budget: BudgetConfig, pool: Executor | None = None
) -> Sampler:
    """The configured sampler.

    Args:
        config: The sampler and its parameters.
        budget: The budget of the search.
        pool: Processes that train the networks of a ranker.

    Raises:
        ConfigurationError: If neighbours are ranked without candidates of the whole space.
    """
    if config.name != BRPSampler.name:
        return get_sampler(config.name, {"reevaluations": budget.reevaluations})
    if config.neighbours and config.candidates is None:
        raise ConfigurationError(
            "search.sampler.neighbours ranks architectures that are not listed, and "
            "search.sampler.candidates is null, so only those of ingest are asked: set "
            "search.sampler.neighbours to 0."
        )
    parameters = config.model_dump(exclude={"name", "candidates", "ranker"})
    parameters |= budget.model_dump(exclude={"queries"})
    return get_sampler(config.name, parameters, make_ranker=ranker_factory(config.ranker, pool))
