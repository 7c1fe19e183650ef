"""`get_sampler`: samplers by name."""

from __future__ import annotations

import pytest

from brpnas.errors import ConfigurationError, UnknownNameError
from brpnas.search.samplers import (
    BRPSampler,
    EvolutionSampler,
    RandomSampler,
    ReevaluateLeaders,
    get_sampler,
)
from tests.search.toy import RidgeRanker


def test_samplers_by_name() -> None:
    assert isinstance(get_sampler("random"), RandomSampler)
    evolution = get_sampler("evolution", {"population": 7})
    assert isinstance(evolution, EvolutionSampler)
    assert evolution.describe() == {"name": "evolution", "population": 7, "tournament": 10}
    brp = get_sampler("brp", {"rounds": 3}, make_ranker=RidgeRanker)
    assert isinstance(brp, BRPSampler)
    assert brp.describe() == {"name": "brp", "rounds": 3, "exploit_fraction": 0.5}


def test_reevaluations_go_with_any() -> None:
    sampler = get_sampler("evolution", {"reevaluations": 2})
    assert isinstance(sampler, ReevaluateLeaders)
    assert sampler.name == "evolution"
    assert sampler.describe()["reevaluations"] == 2
    assert isinstance(get_sampler("random", {"reevaluations": 0}), RandomSampler)


def test_unknown_sampler() -> None:
    with pytest.raises(UnknownNameError, match=r"sampler 'evolutoin'.* 'evolution'\?"):
        get_sampler("evolutoin")


@pytest.mark.parametrize("name", ["random", "evolution", "brp"])
def test_unknown_parameter(name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"'{name}' .*'reevaluation'.* 'reevaluations'\?"):
        get_sampler(name, {"reevaluation": 3}, make_ranker=RidgeRanker)


def test_brp_needs_a_ranker() -> None:
    with pytest.raises(ConfigurationError, match="make_ranker"):
        get_sampler("brp")
