"""Samplers for several objectives from configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brpnas.errors import ConfigurationError
from brpnas.search.fronts.nsga2 import NSGA2Sampler
from brpnas.search.fronts.objectives import Known, Objectives
from brpnas.search.fronts.sampler import FrontSampler
from brpnas.search.samplers import RandomSampler, ReevaluateLeaders, Sampler
from brpnas.search.samplers.brp import Ranker

__all__ = ["FRONT_SAMPLERS", "get_front_sampler"]

FRONT_SAMPLERS = (FrontSampler.name, NSGA2Sampler.name, RandomSampler.name)
"""Names of samplers for several objectives."""


def get_front_sampler(
    name: str,
    objectives: Objectives,
    parameters: Mapping[str, Any] | None = None,
    *,
    known: Known | None = None,
    make_ranker: Callable[[], Ranker] | None = None,
) -> Sampler:
    """Make a sampler for several objectives.

    Args:
        name: ``brp``, ``nsga2`` or ``random``.
        objectives: The objectives, with at least one cost.
        parameters: Its keyword parameters; all samplers accept ``reevaluations``.
        known: Measured values, which replace predictions.
        make_ranker: Makes an untrained ranker; ``brp`` needs it.

    Raises:
        ConfigurationError: If the sampler has no form for several objectives, a parameter is out of
            range, or ``brp`` has no ranker.
    """
    given = dict(parameters or {})
    reevaluations = given.pop("reevaluations", 0)
    sampler: Sampler
    if name == FrontSampler.name:
        if make_ranker is None:
            raise ConfigurationError("Sampler 'brp' needs a ranking predictor: give make_ranker.")
        sampler = FrontSampler(make_ranker, objectives=objectives, known=known, **given)
    elif name == NSGA2Sampler.name:
        sampler = NSGA2Sampler(objectives=objectives, known=known, **given)
    elif name == RandomSampler.name:
        sampler = RandomSampler(**given)
    else:
        raise ConfigurationError(
            f"The sampler {name!r} searches for accuracy alone, and the objectives are "
            f"{', '.join(map(str, objectives))}: choose {', '.join(FRONT_SAMPLERS)}, or keep the "
            "objective accuracy."
        )
    return ReevaluateLeaders(sampler, reevaluations) if reevaluations else sampler
