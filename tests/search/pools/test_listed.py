from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import ConfigurationError, ConstraintError, InfeasibleError, UnknownNameError
from brpnas.graphs import VIEWS, SpaceGraphs
from brpnas.search.history import History
from brpnas.search.limits import Limits
from brpnas.search.pools.base import is_open
from brpnas.search.pools.listed import ListedPool
from brpnas.search.seeding import generator
from brpnas.spaces import NasBench201
from brpnas.spaces.nasbench201 import published_cells
from tests.search.toy import (
    LETTERS,
    ToySpace,
    history_of,
    limits_of,
    make_pool,
    measured_limits,
    pool_of,
)
from tests.seeds import first_of


def test_pool_holds_each_feasible_function_once() -> None:
    pool = make_pool(limit=6)
    functions = [pool.isomorphism_ids[row] for row in pool.representatives]
    feasible = {pool.isomorphism_ids[row] for row in np.flatnonzero(pool.feasible)}
    assert pool.feasible[pool.representatives].all()
    assert sorted(functions) == sorted(feasible)
    assert len(feasible) < pool.feasible.sum()


def test_pool_of_nasbench201_has_its_6466_functions(
    nb201: tuple[NasBench201, SpaceGraphs],
) -> None:
    assert len(ListedPool.create(*nb201, seed=0).representatives) == 6466


def test_any_member_may_stand_for_its_class() -> None:
    pool = make_pool()
    drawn: dict[str, set[str]] = {}
    for seed in range(30):
        reseeded = replace(pool, seed=seed)
        for row in reseeded.representatives.tolist():
            drawn.setdefault(reseeded.isomorphism_ids[row], set()).add(reseeded.arch_ids[row])
    members = Counter(pool.isomorphism_ids)
    assert {name: len(seen) for name, seen in drawn.items()} == dict(members)


def test_representative_is_feasible_where_the_class_is_only_in_part() -> None:
    feasible = np.array([word == "baaa" for word in ToySpace().enumerate()])
    pool = pool_of(feasible)
    assert pool.names(pool.representatives) == ["baaa"]
    assert pool.is_feasible("baaa")
    assert not pool.is_feasible("aaab")
    assert not pool.is_feasible("no such word")


def test_order_of_the_pool_is_uniform_over_functions() -> None:
    pool = make_pool()
    sizes = Counter(pool.isomorphism_ids)
    first = [
        sizes[pool.isomorphism_ids[int(replace(pool, seed=seed).representatives[0])]]
        for seed in range(400)
    ]
    share = np.mean([size == 2 for size in first])
    assert share == pytest.approx(96 / 160, abs=0.08)  # not 192 / 256


def test_unqueried_leaves_out_the_whole_class() -> None:
    pool = make_pool()
    history = history_of(("aaab", 0.5), ("cddc", None))
    left = set(pool.names(pool.unqueried(history)))
    assert len(left) == len(pool.representatives) - 2
    assert not left & {"aaab", "baaa", "cddc"}
    assert not is_open(pool, "baaa", history)
    assert is_open(pool, "baaa", History())
    assert np.array_equal(pool.unqueried(History()), pool.representatives)


def test_same_seed_same_pool_other_seed_another() -> None:
    assert np.array_equal(make_pool(seed=1).representatives, make_pool(seed=1).representatives)
    assert not np.array_equal(make_pool(seed=1).representatives, make_pool(seed=2).representatives)


def test_rows_names_what_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match="'zzzz'"):
        make_pool().rows(["aaaa", "zzzz"])


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"answerable": np.ones(3, np.bool_)}, ConfigurationError, "'answerable' has shape"),
        ({"predicted": {"latency_ms": np.ones(3)}}, ConfigurationError, "'latency_ms' has shape"),
        (
            {"predicted": {"latency_ms": np.ones(256)}, "limits": limits_of(0.5)},
            InfeasibleError,
            "among 256 satisfies 'latency_ms <= 0.5'",
        ),
        ({"limits": limits_of(0.5)}, ConstraintError, "needs 'latency_ms'"),
        ({"seed": -1}, ConfigurationError, "negative"),
        ({"view": "x-ray"}, UnknownNameError, "view 'x-ray'"),
    ],
)
def test_says_what_does_not_fit(
    changes: dict[str, object], error: type[Exception], said: str
) -> None:
    space = ToySpace()
    with pytest.raises(error, match=said):
        ListedPool.create(space, space.graphs(), **{"seed": 0, **changes})  # type: ignore[arg-type]


def test_description_tells_tasks_apart() -> None:
    descriptions = [make_pool(limit=limit).describe() for limit in (None, 6, 6)]
    assert descriptions[0] != descriptions[1] == descriptions[2]
    space = ToySpace()
    views = [ListedPool.create(space, space.graphs(), seed=0, view=view) for view in VIEWS]
    assert len({str(pool.describe()) for pool in views}) == len(VIEWS)


def slow_pool(pool: ListedPool) -> list[int]:
    """The pool by the letter of its description, one row at a time."""
    rng = generator(pool.seed, "pool")
    first: dict[str, int] = {}
    for row in rng.permutation(np.flatnonzero(pool.feasible)).tolist():
        first.setdefault(pool.isomorphism_ids[row], row)
    return list(rng.permutation(list(first.values())))


@pytest.mark.parametrize("limit", [None, 6, 2])
@pytest.mark.parametrize("seed", first_of(range(3)))
def test_pool_and_unqueried_agree_with_a_loop(seed: int, limit: float | None) -> None:
    pool = make_pool(seed, limit)
    rows = slow_pool(pool)
    assert pool.representatives.tolist() == rows
    history = history_of(("aaab", 0.5), ("cddc", None), ("abba", 0.5))
    expected = [row for row in rows if not history.knows(pool.isomorphism_ids[row])]
    assert pool.unqueried(history).tolist() == expected


def test_a_listed_sample_of_a_larger_space_is_a_task_of_its_own() -> None:
    words = ["abcd", "dbca", "aaaa", "bacd"]
    pool = ListedPool.create(ToySpace(), ToySpace().graphs(words), seed=0)
    assert pool.capacity == 3
    history = history_of(("cccc", 0.5), ("dbca", 0.4))  # one of them outside of the sample
    assert sorted(pool.names(pool.unqueried(history))) == ["aaaa", "bacd"]
    assert not pool.is_feasible("cccc")


def test_known_isomorphism_ids_are_taken_over() -> None:
    graphs = ToySpace().graphs(["abcd", "aaaa", "bacd"])
    pool = ListedPool.create(ToySpace(), graphs, seed=0, isomorphism_ids=["x", "y", "x"])
    assert (pool.capacity, pool.isomorphism_id("bacd")) == (2, "x")
    with pytest.raises(ConfigurationError, match="'isomorphism_ids' has shape"):
        ListedPool.create(ToySpace(), graphs, seed=0, isomorphism_ids=["x", "y"])


def test_isomorphic_are_the_other_feasible_ones_of_the_function() -> None:
    pool = make_pool(limit=6)
    for word in ("abcd", "dabc", "aaaa"):
        swapped = word[-1] + word[1:-1] + word[0]
        want = [swapped] if swapped != word and pool.is_feasible(swapped) else []
        assert pool.isomorphic(word) == want
    assert pool.isomorphic("dddd") == [], "itself infeasible, and alone"


def test_the_likeliest_of_the_isomorphic_is_first() -> None:
    space, cells = NasBench201(), published_cells()[:4000]
    ids = pd.Series(space.isomorphism_ids(cells), cells)
    alike = ids.index[ids == ids.mode()[0]][:12].tolist()
    predicted = np.random.default_rng(0).permutation(np.linspace(3.0, 5.0, 12))
    limits = Limits.parse(
        ["latency_ms <= 4"],
        sources={"latency_ms": "device"},
        confidence=0.9,
        errors={"latency_ms": np.random.default_rng(1).normal(0, 0.3, 50)},
    )
    pool = ListedPool.create(
        space, space.graphs(alike), seed=0, limits=limits, predicted={"latency_ms": predicted}
    )
    first = pool.names(pool.representatives)[0]
    latencies = predicted[pool.rows([first, *pool.isomorphic(first)])]
    assert len(latencies) > 5
    np.testing.assert_array_equal(latencies, np.sort(latencies))


def test_the_member_of_a_function_that_most_likely_keeps_the_limit_stands_for_it() -> None:
    graphs = ToySpace().graphs(["abcd", "dbca", "cabb", "babc"])
    predicted = np.array([5.0, 4.0, 4.0, 5.0])
    limits = measured_limits(4.5, 6, 4.4)
    for seed in range(4):
        pool = ListedPool.create(
            ToySpace(), graphs, seed=seed, limits=limits, predicted={"latency_ms": predicted}
        )
        assert set(pool.names(pool.representatives)) == {"dbca", "cabb"}
        assert pool.is_within("dbca")
        assert not pool.is_within("abcd")


def test_those_clearly_within_come_first() -> None:
    pool = make_pool(limits=measured_limits(4, 9, 3))
    fresh = pool.fresh(History(), 400)
    cost = np.array([sum(map(LETTERS.index, word)) for word in fresh])
    first = int((cost <= 3).sum())
    assert 0 < first < len(fresh)
    assert (cost[:first] <= 3).all()
    assert cost.max() <= 9
    assert len(fresh) == pool.capacity
    listed = pool.shortlist(History())
    of = [sum(map(LETTERS.index, word)) <= 3 for word in listed.names(np.arange(len(listed)))]
    assert listed.is_within.tolist() == of


def test_the_limits_are_part_of_the_fingerprint() -> None:
    limits = [
        limits_of(9),
        measured_limits(3, 9),
        measured_limits(2, 9),
        limits_of(9, measurements=3),
    ]
    assert len({str(make_pool(limits=each).describe()) for each in limits}) == len(limits)
