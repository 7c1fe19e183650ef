"""Samplers: each proposes the architectures to query next.

`BRPSampler` learns a ranking and needs the fewest queries; `EvolutionSampler` needs no model;
`RandomSampler` is the baseline. `ReevaluateLeaders` wraps any of them. `get_sampler` makes one from
configuration.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from brpnas.errors import ConfigurationError, UnknownNameError, did_you_mean
from brpnas.search.samplers.base import Sampler
from brpnas.search.samplers.brp import BRPSampler, Ranker, fit_ranker
from brpnas.search.samplers.evolution import EvolutionSampler
from brpnas.search.samplers.random import RandomSampler
from brpnas.search.samplers.reevaluations import ReevaluateLeaders

__all__ = [
    "BRPSampler",
    "EvolutionSampler",
    "RandomSampler",
    "Ranker",
    "ReevaluateLeaders",
    "Sampler",
    "fit_ranker",
    "get_sampler",
]

_SAMPLERS: dict[str, type[Sampler]] = {
    sampler.name: sampler for sampler in (RandomSampler, EvolutionSampler, BRPSampler)
}


def get_sampler(
    name: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    make_ranker: Callable[[], Ranker] | None = None,
) -> Sampler:
    """Make a sampler from configuration.

    Args:
        name: ``random``, ``evolution`` or ``brp``.
        parameters: Its keyword parameters; all samplers accept ``reevaluations``.
        make_ranker: Makes an untrained ranker; ``brp`` needs it.

    Raises:
        UnknownNameError: If the name is unknown.
        ConfigurationError: If a parameter is unknown or out of range, or ``brp`` has no ranker.
    """
    if name not in _SAMPLERS:
        raise UnknownNameError("sampler", name, _SAMPLERS)
    given = dict(parameters or {})
    reevaluations = given.pop("reevaluations", 0)
    signature = inspect.signature(_SAMPLERS[name]).parameters.values()
    known = [p.name for p in signature if p.kind is inspect.Parameter.KEYWORD_ONLY]
    known.append("reevaluations")
    for key in given:
        if key not in known:
            raise ConfigurationError(
                f"Sampler {name!r} has no parameter {key!r}.{did_you_mean(key, known)} It has: "
                f"{', '.join(known)}."
            )
    sampler: Sampler
    if name == BRPSampler.name:
        if make_ranker is None:
            raise ConfigurationError("Sampler 'brp' needs a ranking predictor: give make_ranker.")
        sampler = BRPSampler(make_ranker, **given)
    else:
        sampler = _SAMPLERS[name](**given)
    return ReevaluateLeaders(sampler, reevaluations) if reevaluations else sampler
