from __future__ import annotations

import pytest

from brpnas.errors import ConfigurationError
from brpnas.search.fronts import FrontSampler, NSGA2Sampler, get_front_sampler
from brpnas.search.samplers import RandomSampler, ReevaluateLeaders
from tests.search.fronts.test_sampler import TWO
from tests.search.toy import RidgeRanker


def test_samplers_by_name() -> None:
    known = {"latency_ms": {"aaaa": 1.0}}
    brp = get_front_sampler("brp", TWO, {"rounds": 7}, known=known, make_ranker=RidgeRanker)
    assert isinstance(brp, FrontSampler)
    assert (brp.rounds, brp.known) == (7, known)
    assert isinstance(get_front_sampler("random", TWO), RandomSampler)


def test_nsga2_by_name() -> None:
    pytest.importorskip("pymoo")
    found = get_front_sampler("nsga2", TWO, {"population": 6, "reevaluations": 2})
    assert isinstance(found, ReevaluateLeaders)
    assert isinstance(found.inner, NSGA2Sampler)
    assert (found.inner.population, found.count) == (6, 2)


@pytest.mark.parametrize(("name", "culprit"), [("evolution", "evolution"), ("brp", "make_ranker")])
def test_what_cannot_search_a_front_is_refused(name: str, culprit: str) -> None:
    with pytest.raises(ConfigurationError, match=culprit):
        get_front_sampler(name, TWO)
