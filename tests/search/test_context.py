from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from brpnas.errors import ConfigurationError, InfeasibleError, UnknownNameError
from brpnas.graphs import VIEWS, SpaceGraphs
from brpnas.search.context import SearchContext
from brpnas.search.history import History
from brpnas.search.seeding import generator
from brpnas.spaces import NasBench201
from tests.seeds import first_of

from .toy import LETTERS, ToySpace, history_of, make_context, predict_latency


def test_pool_holds_each_feasible_function_once() -> None:
    context = make_context(limit=6)
    functions = [context.isomorphism_ids[row] for row in context.pool]
    feasible = {context.isomorphism_ids[row] for row in np.flatnonzero(context.feasible)}
    assert context.feasible[context.pool].all()
    assert sorted(functions) == sorted(feasible)
    assert len(feasible) < context.feasible.sum()


def test_pool_of_nasbench201_has_its_6466_functions(
    nb201: tuple[NasBench201, SpaceGraphs],
) -> None:
    assert len(SearchContext.create(*nb201, seed=0).pool) == 6466


def test_any_member_may_stand_for_its_class() -> None:
    context = make_context()
    drawn: dict[str, set[str]] = {}
    for seed in range(30):
        reseeded = replace(context, seed=seed)
        for row in reseeded.pool.tolist():
            drawn.setdefault(reseeded.isomorphism_ids[row], set()).add(reseeded.arch_ids[row])
    members = Counter(context.isomorphism_ids)
    assert {name: len(seen) for name, seen in drawn.items()} == dict(members)


def test_representative_is_feasible_where_the_class_is_only_in_part() -> None:
    feasible = np.array([word == "baaa" for word in ToySpace().enumerate()])
    context = SearchContext.create(ToySpace(), ToySpace().graphs(), seed=0, feasible=feasible)
    assert context.names(context.pool) == ["baaa"]
    assert context.is_feasible("baaa")
    assert not context.is_feasible("aaab")
    assert not context.is_feasible("no such word")


def test_order_of_the_pool_is_uniform_over_functions() -> None:
    context = make_context()
    sizes = Counter(context.isomorphism_ids)
    first = [
        sizes[context.isomorphism_ids[int(replace(context, seed=seed).pool[0])]]
        for seed in range(400)
    ]
    share = np.mean([size == 2 for size in first])
    assert share == pytest.approx(96 / 160, abs=0.08)  # not 192 / 256


def test_unqueried_leaves_out_the_whole_class() -> None:
    context = make_context()
    history = history_of(("aaab", 0.5), ("cddc", None))
    left = set(context.names(context.unqueried(history)))
    assert len(left) == len(context.pool) - 2
    assert not left & {"aaab", "baaa", "cddc"}
    assert not context.is_open("baaa", history)
    assert context.is_open("baaa", History())
    assert np.array_equal(context.unqueried(History()), context.pool)


def test_same_seed_same_pool_other_seed_another() -> None:
    assert np.array_equal(make_context(seed=1).pool, make_context(seed=1).pool)
    assert not np.array_equal(make_context(seed=1).pool, make_context(seed=2).pool)


def test_rows_names_what_is_not_there() -> None:
    with pytest.raises(UnknownNameError, match="'zzzz'"):
        make_context().rows(["aaaa", "zzzz"])


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"feasible": np.ones(3, np.bool_)}, ConfigurationError, "'feasible' has shape"),
        ({"predicted": {"latency_ms": np.ones(3)}}, ConfigurationError, "'latency_ms' has shape"),
        ({"feasible": np.zeros(256, np.bool_)}, InfeasibleError, "excludes every"),
        ({"seed": -1}, ConfigurationError, "negative"),
        ({"view": "x-ray"}, UnknownNameError, "view 'x-ray'"),
    ],
)
def test_says_what_does_not_fit(
    changes: dict[str, object], error: type[Exception], said: str
) -> None:
    space = ToySpace()
    with pytest.raises(error, match=said):
        SearchContext.create(space, space.graphs(), **{"seed": 0, **changes})  # type: ignore[arg-type]


def test_description_tells_tasks_apart() -> None:
    descriptions = [make_context(limit=limit).describe() for limit in (None, 6, 6)]
    assert descriptions[0] != descriptions[1] == descriptions[2]
    space = ToySpace()
    views = [SearchContext.create(space, space.graphs(), seed=0, view=view) for view in VIEWS]
    assert len({str(context.describe()) for context in views}) == len(VIEWS)


def slow_pool(context: SearchContext) -> list[int]:
    """The pool by the letter of its description, one row at a time."""
    rng = generator(context.seed, "pool")
    first: dict[str, int] = {}
    for row in rng.permutation(np.flatnonzero(context.feasible)).tolist():
        first.setdefault(context.isomorphism_ids[row], row)
    return list(rng.permutation(list(first.values())))


@pytest.mark.parametrize("limit", [None, 6, 2])
@pytest.mark.parametrize("seed", first_of(range(3)))
def test_pool_and_unqueried_agree_with_a_loop(seed: int, limit: float | None) -> None:
    context = make_context(seed, limit)
    pool = slow_pool(context)
    assert context.pool.tolist() == pool
    history = history_of(("aaab", 0.5), ("cddc", None), ("abba", 0.5))
    expected = [row for row in pool if not history.knows(context.isomorphism_ids[row])]
    assert context.unqueried(history).tolist() == expected


def test_a_listed_sample_of_a_larger_space_is_a_task_of_its_own() -> None:
    words = ["abcd", "dbca", "aaaa", "bacd"]
    context = SearchContext.create(ToySpace(), ToySpace().graphs(words), seed=0)
    assert context.capacity == 3
    history = history_of(("cccc", 0.5), ("dbca", 0.4))  # one of them outside of the sample
    assert sorted(context.names(context.unqueried(history))) == ["aaaa", "bacd"]
    assert not context.is_feasible("cccc")


def test_known_isomorphism_ids_are_taken_over() -> None:
    graphs = ToySpace().graphs(["abcd", "aaaa", "bacd"])
    context = SearchContext.create(ToySpace(), graphs, seed=0, isomorphism_ids=["x", "y", "x"])
    assert (context.capacity, context.isomorphism_id("bacd")) == (2, "x")
    with pytest.raises(ConfigurationError, match="'isomorphism_ids' has shape"):
        SearchContext.create(ToySpace(), graphs, seed=0, isomorphism_ids=["x", "y"])


def test_siblings_are_the_other_feasible_ones_of_the_function() -> None:
    context = make_context(limit=6)
    for word in ("abcd", "dabc", "aaaa"):
        swapped = word[-1] + word[1:-1] + word[0]
        want = [swapped] if swapped != word and context.is_feasible(swapped) else []
        assert context.siblings(word) == want
    assert context.siblings("dddd") == [], "itself infeasible, and alone"


def test_the_likely_come_first() -> None:
    words = ToySpace().enumerate()
    latency = predict_latency(words)["latency_ms"]
    given = {"seed": 0, "predicted": {"latency_ms": latency}}
    graphs = ToySpace().graphs()
    context = SearchContext.create(
        ToySpace(), graphs, feasible=latency <= 9, likely=latency <= 3, **given
    )
    fresh = context.fresh(History(), 400)
    cost = np.array([sum(map(LETTERS.index, word)) for word in fresh])
    first = int((cost <= 3).sum())
    assert 0 < first < len(fresh)
    assert (cost[:first] <= 3).all()
    assert cost.max() <= 9
    assert len(fresh) == context.capacity
    listed = context.shortlist(History())
    of = [sum(map(LETTERS.index, word)) <= 3 for word in listed.names(np.arange(len(listed)))]
    assert listed.is_likely.tolist() == of
    with pytest.raises(ConfigurationError, match="likely"):
        SearchContext.create(ToySpace(), graphs, likely=np.ones(3, np.bool_), **given)


def test_the_likely_are_part_of_the_task() -> None:
    context = make_context(limit=9)
    assert "likely_sha256" not in context.describe()
    some = replace(context, likely=context.predicted["latency_ms"] <= 3)
    fewer = replace(context, likely=context.predicted["latency_ms"] <= 2)
    assert len({str(c.describe()) for c in (context, some, fewer)}) == 3
