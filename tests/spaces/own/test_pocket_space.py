"""A small custom space: it satisfies the contract, and can be searched."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from brpnas.search import ListedPool, get_sampler, run_search
from brpnas.search.oracles import TableOracle
from brpnas.spaces import get_space
from brpnas.testing import SearchSpaceContract
from tests.search.toy import accuracy_table

POCKET = str(Path(__file__).with_name("pocket_space.py"))


class TestContract(SearchSpaceContract):
    """Six architectures; each has three neighbours."""

    name = POCKET
    size, neighbours = 6, 3


def test_all_of_it_can_be_searched_though_nothing_is_known_of_its_cost() -> None:
    space = get_space(POCKET)
    names = space.enumerate()
    assert np.isnan(space.cost(names)).all()
    accuracy = accuracy_table(names, np.linspace(0.5, 0.9, len(names)), noise=0.0)
    for name in ("random", "evolution"):
        context = ListedPool.create(space, space.graphs(), seed=0, view="raw")
        result = run_search(context, get_sampler(name), TableOracle(accuracy, "toys", 0), 6)
        assert sorted(result.history["arch_id"]) == sorted(names)
        best = result.history.loc[result.history["accuracy"].astype(float).idxmax(), "arch_id"]
        assert best == names[-1]
