from __future__ import annotations

import pytest

from brpnas.errors import StoreError
from brpnas.search.events import EventLog
from brpnas.search.history import Plan, Record
from tests.search.toy import record


def make_log() -> EventLog:
    log = EventLog()
    log.add_plan(Plan(0, "random", 0, ("aaaa", "aaab")))
    log.add_plan(Plan(1, "random", 2, ("aaac",)))
    return log


def test_plans_and_answers_are_kept() -> None:
    log = make_log()
    log.add_answer(record(1, "aaab", 0.5))  # in the order in which they arrive
    log.add_answer(record(0, "aaaa"))
    log.add_answer(record(2, "aaac", 0.5, round=1))
    assert log.planned == 3
    assert sorted(log.answers) == [0, 1, 2]


@pytest.mark.parametrize(
    "plan",
    [
        Plan(1, "random", 3, ("aaad",)),
        Plan(3, "random", 3, ("aaad",)),
        Plan(2, "random", 2, ("aaad",)),
        Plan(2, "random", 3, ()),
    ],
)
def test_a_plan_must_continue_the_plans_before(plan: Plan) -> None:
    log = make_log()
    with pytest.raises(StoreError, match=rf" {plan.round} .* round 2 .* query 3\b"):
        log.add_plan(plan)
    log.add_plan(Plan(2, "random", 3, ("aaad",)))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (record(0, "aaab", 0.5), r"query 0 \(aaab\), .* round 0 "),
        (record(2, "aaac", 0.5), r"query 2 \(aaac\), .* round 0 "),
        (record(3, "aaac", 0.5, round=1), r"query 3 \(aaac\), .* round 1 "),
        (record(3, "aaad", 0.5, round=2), "round 2, .*planned"),
        (record(0, "aaaa", 0.5, round=-1), "round -1, .*planned"),
        (record(1, "aaab", 0.5), "second answer"),
    ],
)
def test_an_answer_must_be_planned_and_new(answer: Record, said: str) -> None:
    log = make_log()
    log.add_answer(record(1, "aaab", 0.5))
    with pytest.raises(StoreError, match=said):
        log.add_answer(answer)
    assert list(log.answers) == [1]


def test_open_queries_are_planned_and_unanswered() -> None:
    log = make_log()
    log.add_answer(record(1, "aaab", 0.5))
    found = [(plan.round, query, arch_id) for plan, query, arch_id in log.open_queries]
    assert found == [(0, 0, "aaaa"), (1, 2, "aaac")]


def test_a_query_in_flight_is_no_answer() -> None:
    log = make_log()
    with pytest.raises(StoreError, match=r"query 0 .*flight"):
        log.add_answer(record(0, "aaaa", status="pending"))
    assert log.answers == {}
