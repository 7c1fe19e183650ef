from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import UnknownNameError
from brpnas.search.history import History
from brpnas.search.result import chosen
from brpnas.search.samplers import BRPSampler, ReevaluateLeaders
from brpnas.search.trace import HeldOutScores, trace
from tests.search.toy import RidgeRanker, history_of, make_oracle, make_pool, run_search
from tests.seeds import first_of


def test_each_column_on_a_history_worked_out_by_hand() -> None:
    scores = HeldOutScores(
        {"aaaa": 0.60, "aaab": 0.80, "aaac": 0.70}, {"aaaa": 0.62, "aaab": 0.85, "aaac": 0.86}, 0.9
    )
    frame = history_of(
        ("dddd", None), ("aaaa", 0.55), ("aaab", 0.50), ("aaac", 0.65), ("aaac", 0.35)
    ).to_frame()
    got = trace(frame, scores)
    nan = np.nan
    want = pd.DataFrame(
        {
            "query": [0, 1, 2, 3, 4],
            "best_valid": [nan, 0.55, 0.55, 0.65, 0.65],
            "chosen": pd.Series([None, "aaaa", "aaaa", "aaac", "aaaa"], dtype="str"),
            "chosen_valid": [nan, 0.55, 0.55, 0.65, 0.55],
            "chosen_test": [nan, 0.60, 0.60, 0.70, 0.60],
            "best_test_seen": [nan, 0.60, 0.80, 0.80, 0.80],
            "best_single_seed_test_seen": [nan, 0.62, 0.85, 0.86, 0.86],
            "regret": [nan, 0.30, 0.30, 0.20, 0.30],
        }
    )
    pd.testing.assert_frame_equal(got, want)


def test_a_leader_is_the_choice_until_the_next() -> None:
    frame = history_of(("aaaa", 0.5), ("aaab", 0.6), ("aaac", 0.7), ("aaad", 0.8)).to_frame(
        leaders={1: "aaaa", 3: "aaac"}
    )
    table = trace(frame, HeldOutScores({"aaaa": 0.9}, {}, 1.0))
    assert table["chosen"].tolist() == ["aaaa", "aaaa", "aaaa", "aaac"]
    assert table["chosen_valid"].tolist() == [0.5, 0.5, 0.5, 0.7]
    assert table["chosen_test"].iloc[2] == 0.9


@pytest.mark.parametrize("seed", first_of(range(5)))
def test_the_choice_at_each_query_is_the_choice_of_a_search_that_ends_there(seed: int) -> None:
    pool = make_pool(seed)
    sampler = ReevaluateLeaders(BRPSampler(RidgeRanker, rounds=4), 6)
    oracle = make_oracle(seed, noise=0.1)
    frame = run_search(pool, sampler, oracle, 40, progress=False).history
    table = trace(frame, HeldOutScores({}, {}, 1.0))
    assert table["chosen"].tolist() == [chosen(frame[:end]) for end in range(1, 41)]
    assert table["chosen"].nunique() > 1


def test_scores_prefer_the_published_mean_and_know_single_seeds() -> None:
    table = pd.DataFrame(
        {
            "arch_id": ["a", "a", "a", "b", "b", "c", "a"],
            "dataset": "toys",
            "split": ["test"] * 6 + ["valid"],
            "seed": pd.array([1, 2, None, 1, 2, None, 1], dtype="Int64"),
            "epochs": 200,
            "accuracy": [0.5, 0.7, 0.61, 0.2, 0.4, 0.9, 1.0],
        }
    )
    scores = HeldOutScores.from_table(table, "toys")
    assert scores.mean == {"a": 0.61, "b": pytest.approx(0.3), "c": 0.9}
    assert scores.best_seed == {"a": 0.7, "b": 0.4}
    assert scores.optimum == 0.9
    assert HeldOutScores.from_table(table, "toys", feasible=["a", "b"]).optimum == 0.61
    with pytest.raises(UnknownNameError, match=r"'toy'\. .* 'toys'\?"):
        HeldOutScores.from_table(table, "toy")


def test_single_seed_curve_is_null_where_only_means_are_published() -> None:
    table = trace(history_of(("aaaa", 0.5)).to_frame(), HeldOutScores({"aaaa": 0.5}, {}, 0.5))
    assert table["best_single_seed_test_seen"].isna().all()
    assert table["regret"].tolist() == [0.0]


def test_nothing_queried_nothing_traced() -> None:
    full = trace(history_of(("aaaa", 0.5)).to_frame(), HeldOutScores({}, {}, 0.5))
    empty = trace(History().to_frame(), HeldOutScores({}, {}, 0.5))
    assert empty.empty
    assert list(empty.columns) == list(full.columns)
