"""Common promises of both kinds of pools to samplers, compared with sets of words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from brpnas.search.history import History
from brpnas.search.pools.base import CandidatePool, is_open
from brpnas.spaces import NetworkConfig
from tests.search.toy import ToySpace, history_of, make_pool, make_sampled_pool, predict_latency

LIMIT = 5.0
TASKS: list[Callable[..., CandidatePool]] = [make_pool, make_sampled_pool]
every_task = pytest.mark.parametrize("make", TASKS, ids=["listed", "open"])
HISTORY = history_of(("aaab", 0.5), ("abba", None))


def function(word: str) -> str:
    return ToySpace().isomorphism_ids([word])[0]


def feasible_words() -> list[str]:
    words = ToySpace().enumerate()
    return [w for w, ms in zip(words, predict_latency(words)["latency_ms"], strict=True) if ms <= 5]


@every_task
def test_feasible_is_what_the_metric_says(make: Callable[..., CandidatePool]) -> None:
    task = make(0, LIMIT)
    assert [w for w in ToySpace().enumerate() if task.is_feasible(w)] == feasible_words()
    for text in ("dddd", "aaa", "aaaaa", " aaaa", "zzzz"):
        assert not task.is_feasible(text)


@every_task
def test_open_is_feasible_and_of_a_new_function(make: Callable[..., CandidatePool]) -> None:
    task = make(0, LIMIT)
    known = {function(record.arch_id) for record in HISTORY}
    expected = [word for word in feasible_words() if function(word) not in known]
    assert [w for w in ToySpace().enumerate() if is_open(task, w, HISTORY)] == expected
    assert len(feasible_words()) - len(expected) == 3


@every_task
@pytest.mark.parametrize("history", [History(), HISTORY], ids=["empty", "some"])
def test_fresh_is_one_order_of_all_open_functions(
    make: Callable[..., CandidatePool], history: History
) -> None:
    task = make(3, LIMIT)
    every = task.fresh(history, 1000)
    assert all(is_open(task, word, history) for word in every)
    known = {function(record.arch_id) for record in history}
    functions = [function(word) for word in every]
    assert sorted(functions) == sorted({function(w) for w in feasible_words()} - known)
    for count in (0, 1, 7):
        assert task.fresh(history, count) == make(3, LIMIT).fresh(history, count) == every[:count]
    order = [w for w in task.fresh(History(), 1000) if function(w) not in known]
    assert order == every
    assert make(4, LIMIT).fresh(history, 1000) != every


@every_task
def test_shortlist_holds_feasible_architectures_of_different_functions(
    make: Callable[..., CandidatePool],
) -> None:
    task = make(0, LIMIT)
    listed = task.shortlist(HISTORY)
    names = listed.names(np.arange(len(listed)))
    assert all(map(task.is_feasible, names))
    assert len({function(word) for word in names}) == len(names) == listed.drawn
    assert listed.is_open.tolist() == [is_open(task, word, HISTORY) for word in names]
    expected = ToySpace().encode(names, "pruned")
    np.testing.assert_array_equal(listed.graphs.ops, expected.ops)
    np.testing.assert_array_equal(listed.graphs.adj, expected.adj)
    assert listed.names(np.array([2, 0])) == [names[2], names[0]]
    again = make(0, LIMIT).shortlist(HISTORY)
    assert again.names(np.arange(len(again))) == names


@every_task
def test_what_is_added_is_not_there_twice(make: Callable[..., CandidatePool]) -> None:
    task = make(0, LIMIT)
    listed = task.shortlist(HISTORY, ["aaab", "dddd", *feasible_words()])
    names = listed.names(np.arange(len(listed)))
    functions = [function(word) for word in names]
    open_words = {function(word) for word in feasible_words() if is_open(task, word, HISTORY)}
    assert len(set(functions)) == len(functions)
    assert {
        f for f, is_open in zip(functions, listed.is_open, strict=True) if is_open
    } == open_words
    assert all(listed.is_open[listed.drawn :])


@every_task
def test_graphs_and_predictions_come_in_the_order_asked(make: Callable[..., CandidatePool]) -> None:
    task, words = make(0), ["dcba", "aaaa", "dcba"]
    np.testing.assert_array_equal(task.graphs_of(words).ops, ToySpace().encode(words, "raw").ops)
    assert task.predictions(words)["latency_ms"].tolist() == [6.0, 0.0, 6.0]
    assert task.isomorphism_id("bcda") == function("bcda")


@every_task
def test_capacity_bounds_the_functions(make: Callable[..., CandidatePool]) -> None:
    assert make(0, LIMIT).capacity >= len({function(word) for word in feasible_words()})


@every_task
def test_multiply_adds_are_what_the_space_counts_once(
    make: Callable[..., CandidatePool], monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    cost = ToySpace.cost

    def watched(self: ToySpace, words: list[str], config: NetworkConfig) -> Any:
        assert not config.executes_dead_ops, "what a cell computes, as rankers see it"
        counted.extend(words)
        return cost(self, words, config)

    monkeypatch.setattr(ToySpace, "cost", watched)
    task = make(0, LIMIT)
    assert task.flops([]).shape == (0,)
    for words in (["abcd", "aaaa"], ["aaaa", "bbbb", "abcd"]):
        np.testing.assert_array_equal(task.flops(words), cost(ToySpace(), words)[1])
    assert counted == ["abcd", "aaaa", "bbbb"]
