"""Samplers and rankers, built from the parameters."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from importlib.util import find_spec
from typing import Any, get_args

from brpnas.errors import ConfigurationError
from brpnas.predictors import HybridRanker, PairwiseRanker, TrainingConfig
from brpnas.search import Sampler, get_sampler
from brpnas.search.fronts import FRONT_SAMPLERS, Known, NSGA2Sampler, Objectives, get_front_sampler
from brpnas.search.samplers import BRPSampler, Ranker
from pipelines.config import BudgetConfig, RankerConfig, SamplerConfig, SamplerName

__all__ = ["compared", "make_sampler", "pairwise_factory", "ranker_factory"]


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


def compared(objectives: Objectives) -> list[str]:
    """Names of the samplers of a comparison; NSGA-II only if pymoo is installed."""
    if not objectives.several:
        return [name for name in get_args(SamplerName) if name != NSGA2Sampler.name]
    has_pymoo = find_spec("pymoo") is not None
    return [name for name in FRONT_SAMPLERS if has_pymoo or name != NSGA2Sampler.name]


def make_sampler(
    config: SamplerConfig,
    budget: BudgetConfig,
    pool: Executor | None = None,
    *,
    objectives: Objectives | None = None,
    known: Known | None = None,
) -> Sampler:
    """The configured sampler.

    Args:
        config: The sampler and its parameters.
        budget: The budget of the search.
        pool: Processes that train the networks of a ranker.
        objectives: Objectives of the search; accuracy alone if left out.
        known: Measured values of their costs.

    Raises:
        ConfigurationError: If neighbours are ranked without candidates of the whole space, or the
            sampler does not suit the objectives.
    """
    make = get_sampler
    if objectives is not None and objectives.several:
        make = functools.partial(_of_front, objectives, known)
    elif config.name == NSGA2Sampler.name:
        raise ConfigurationError(
            "search.sampler.name is 'nsga2', which searches for several objectives, and "
            "`objectives` holds accuracy alone: add a cost, such as -latency_ms, or choose "
            "'evolution'."
        )
    if config.name != BRPSampler.name:
        return make(config.name, {"reevaluations": budget.reevaluations})
    if config.neighbours and config.candidates is None:
        raise ConfigurationError(
            "search.sampler.neighbours ranks architectures that are not listed, and "
            "search.sampler.candidates is null, so only those of ingest are asked: set "
            "search.sampler.neighbours to 0."
        )
    parameters = config.model_dump(exclude={"name", "candidates", "ranker"})
    parameters |= budget.model_dump(exclude={"queries"})
    return make(config.name, parameters, make_ranker=ranker_factory(config.ranker, pool))


def _of_front(
    objectives: Objectives, known: Known | None, name: str, *arguments: Any, **choices: Any
) -> Sampler:
    return get_front_sampler(name, objectives, *arguments, known=known, **choices)
