"""NAS-Bench-101 as a search space."""

from __future__ import annotations

import time

import numpy as np
import pytest

from brpnas.graphs import VIEWS
from brpnas.spaces import SearchSpace
from brpnas.spaces.nasbench101 import NasBench101, all_keys
from brpnas.testing import SearchSpaceContract
from tests.spaces.nasbench101 import slow

CELL = "conv3x3~0|maxpool3x3~0|conv1x1~12|output~03"


class TestContract(SearchSpaceContract):
    name = "nasbench101"
    size = 423_624

    def neighbours_of(self, space: SearchSpace, arch_id: str) -> int:
        (key,) = NasBench101().keys([arch_id]).tolist()
        return len(slow.neighbours(key))


@pytest.fixture
def space() -> NasBench101:
    return NasBench101()


@pytest.fixture(scope="module")
def some() -> list[str]:
    return NasBench101().sample(np.random.default_rng(3), 300)


def test_keys_of_other_orders_and_dead_nodes(space: NasBench101) -> None:
    keys = space.keys(
        [CELL, "maxpool3x3~0|conv3x3~0|conv1x1~12|output~03", "conv1x1~0|output~0", f" {CELL}"]
    )
    assert keys[0] == keys[1] == keys[3]
    assert space.keys(["output~0"]) == keys[2] == all_keys()[0]
    assert space.keys([]).shape == (0,)


@pytest.mark.slow
def test_everything_is_encoded_in_seconds(space: NasBench101) -> None:
    names = space.enumerate()
    start = time.process_time()
    batch = space.encode(names, "raw")
    assert time.process_time() - start < 15
    assert len(batch) == len(space)
    assert np.array_equal(space.keys(names), all_keys())


def test_all_views_are_equal(space: NasBench101, some: list[str]) -> None:
    raw, *others = (space.encode(some, view) for view in VIEWS)
    for other in others:
        assert np.array_equal(raw.ops, other.ops)
        assert np.array_equal(raw.adj, other.adj)
    graphs = space.graphs(some)
    assert len({id(graphs.view(view)) for view in VIEWS}) == 1


def test_graphs_of_some(space: NasBench101, some: list[str]) -> None:
    graphs = space.graphs(some)
    assert list(graphs.arch_ids) == some
    assert np.array_equal(graphs.view("raw").adj, space.encode(some, "raw").adj)


def test_isomorphism_ids_are_the_canonical_strings(space: NasBench101, some: list[str]) -> None:
    assert space.isomorphism_ids(some) == some
    assert space.isomorphism_ids(["maxpool3x3~0|conv3x3~0|conv1x1~12|output~03"]) == [CELL]


def test_sample_is_mostly_of_large_cells(space: NasBench101, some: list[str]) -> None:
    """As the space is: 359,082 of 423,624 cells have seven nodes."""
    assert np.mean(space.keys(some) >> 32 == 7) == pytest.approx(359_082 / 423_624, abs=0.07)


def test_cost_is_in_units(space: NasBench101) -> None:
    params, flops = space.cost(["output~0"])
    assert (params.dtype, flops.dtype) == (np.float64, np.float64)
    assert params.tolist() == [882_570]
