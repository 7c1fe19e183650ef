from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import OracleError
from brpnas.search.history import History
from brpnas.search.result import SearchResult, chosen, leaderboard
from tests.search.toy import history_of, make_pool


def table(*answers: tuple[str, float | None]) -> pd.DataFrame:
    pool = make_pool()
    history = history_of(*answers)
    rows = pool.rows([arch_id for arch_id, _ in answers])
    return history.to_frame(pool.predicted, rows)


def test_the_mean_of_repeated_answers_counts() -> None:
    frame = table(("aaaa", 0.9), ("aaab", 0.8), ("aaaa", 0.6))
    assert chosen(frame) == "aaab"
    board = leaderboard(frame)
    assert board["arch_id"].tolist() == ["aaab", "aaaa"]
    assert board["accuracy"].tolist() == [0.8, pytest.approx(0.75)]
    assert board["answers"].tolist() == [1, 2]
    assert board["first_query"].tolist() == [1, 0]


def test_ties_go_to_the_faster_then_to_the_name() -> None:
    assert chosen(table(("aaad", 0.5), ("aaac", 0.5))) == "aaac"
    assert chosen(table(("aaca", 0.5), ("aaac", 0.5))) == "aaac"


def test_without_predictions_ties_go_to_the_name() -> None:
    assert chosen(history_of(("aaad", 0.5), ("aaac", 0.5)).to_frame()) == "aaac"


def test_estimates_come_before_answers() -> None:
    frame = history_of(("aaaa", 0.9), ("aaab", 0.8), ("aaac", None)).to_frame(
        estimates={"aaaa": -1.0, "aaab": 2.0}
    )
    assert chosen(frame) == "aaab"
    assert leaderboard(frame)["arch_id"].tolist() == ["aaab", "aaaa"]
    assert "estimate" not in leaderboard(frame)


def test_failures_are_not_chosen() -> None:
    assert chosen(table(("aaaa", None), ("aaab", 0.1))) == "aaab"


def test_nothing_answered_is_an_error_that_quotes_the_reason() -> None:
    frame = table(("aaaa", None)).assign(message="no GPU")
    with pytest.raises(OracleError, match=r"\b1 queries .*no GPU"):
        chosen(frame)
    with pytest.raises(OracleError, match=r"\b0 queries "):
        chosen(History().to_frame())


def test_result_chooses_from_its_history() -> None:
    history = history_of(("aaaa", 0.9), ("aaab", 0.8))
    assert SearchResult(history, history.to_frame(), history.measured_frame({})).chosen == "aaaa"


def test_leaderboard_agrees_with_a_loop() -> None:
    rng = np.random.default_rng(0)
    words = [f"aa{a}{b}" for a in "abcd" for b in "bcd"]
    answers = [(words[i], float(rng.integers(5)) / 5) for i in rng.integers(len(words), size=60)]
    frame = table(*answers)
    means = {w: np.mean([v for x, v in answers if x == w]) for w, _ in answers}
    latency = dict(zip(frame["arch_id"], frame["predicted_latency_ms"], strict=True))
    slow = sorted(means, key=lambda w: (-means[w], latency[w], w))
    assert leaderboard(frame)["arch_id"].tolist() == slow
