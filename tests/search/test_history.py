from __future__ import annotations

import numpy as np
import pytest

from brpnas.search.history import History
from tests.search.toy import history_of, make_pool, record


def test_an_architecture_counts_with_the_mean_of_its_answers() -> None:
    history = history_of(("aaaa", 0.5), ("aaab", 0.7), ("aaaa", 0.6), ("aabb", None))
    assert history.means() == {"aaaa": pytest.approx(0.55), "aaab": 0.7}
    assert history.answers() == {"aaaa": (0.5, 0.6), "aaab": (0.7,)}
    assert list(history.means()) == ["aaaa", "aaab"]


def test_a_failure_is_queried_but_not_answered() -> None:
    history = history_of(("aaab", None))
    assert history.queried == ("aaab",)
    assert history.means() == {}
    assert history.knows(record(1, "baaa").isomorphism_id)  # same function
    assert not history.knows(record(1, "abaa").isomorphism_id)
    assert history.functions == {record(0, "aaab").isomorphism_id}


def test_revealed_seeds_belong_to_an_architecture() -> None:
    history = History([record(0, "aaaa", 0.5, seed=777), record(1, "aaaa", 0.5, seed=999)])
    history.extend([record(2, "aaab", 0.5)])
    assert history.revealed_seeds("aaaa") == {777, 999}
    assert history.revealed_seeds("aaab") == frozenset()


def test_rounds_count_on() -> None:
    history = History()
    assert history.next_round == 0
    history.extend([record(0, "aaaa", 0.5), record(1, "aaab", 0.5, round=1)])
    assert (history.next_round, len(history)) == (2, 2)


@pytest.mark.parametrize("fields", [{"status": "lost"}, {"status": "ok"}])
def test_a_record_that_contradicts_itself_is_refused(fields: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="status"):
        record(0, "aaaa", None, **fields)
    with pytest.raises(ValueError, match="accuracy"):
        record(0, "aaaa", 0.5, status="failed")


def test_table_has_the_columns_and_types_of_the_design() -> None:
    pool = make_pool()
    history = History([record(0, "aaab", 0.5, seed=777), record(1, "dddd", message="diverged")])
    frame = history.to_frame(pool.predicted, pool.rows(["aaab", "dddd"]))
    assert list(frame.columns) == [
        *("query", "round", "sampler", "arch_id", "isomorphism_id", "status", "accuracy"),
        *("seed", "cost_s", "feasible", "epochs", "forecast", "estimate", "leader"),
        *("predicted_latency_ms", "latency_ms"),
        *("message", "asked_at"),
    ]
    assert str(frame["seed"].dtype) == "Int64"
    assert frame["seed"].isna().tolist() == [False, True]
    assert np.isnan(frame["accuracy"].iloc[1])
    assert frame["predicted_latency_ms"].tolist() == [1.0, 12.0]
    assert frame["message"].tolist() == ["", "diverged"]


def test_table_of_nothing_has_the_same_types() -> None:
    full = history_of(("aaaa", 0.5)).to_frame()
    empty = History().to_frame()
    assert empty.empty
    assert (empty.dtypes == full.dtypes).all()


def test_a_query_in_flight_is_queried_but_not_answered() -> None:
    history = history_of(("aaaa", 0.5))
    history.extend([record(1, "aaab", status="pending")])
    assert history.pending == {"aaab"}
    assert history.queried == ("aaaa", "aaab")
    assert history.knows(record(1, "baaa").isomorphism_id)
    assert list(history.means()) == list(history.choosable()) == ["aaaa"]
