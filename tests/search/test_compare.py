from __future__ import annotations

import pandas as pd
import pytest

from brpnas.errors import BudgetError
from brpnas.search.compare import compare
from brpnas.search.oracles import TableOracle
from brpnas.search.samplers import BRPSampler, RandomSampler
from brpnas.search.trace import HeldOutScores, trace
from tests.search.toy import (
    RidgeRanker,
    ToySpace,
    accuracy_table,
    additive_accuracy,
    make_pool,
    run_search,
)

WORDS = ToySpace().enumerate()
TABLE = accuracy_table(WORDS, additive_accuracy(WORDS))
SAMPLERS = {"BRP": BRPSampler(RidgeRanker, rounds=4), "chance": RandomSampler()}
ORACLE = TableOracle(TABLE, "toys", 0)
SCORES = HeldOutScores.from_table(TABLE, "toys")


def run(workers: int, budget: int = 20) -> pd.DataFrame:
    return compare(
        make_pool(),
        SAMPLERS,
        ORACLE.reseeded,
        SCORES,
        budget=budget,
        seeds=[5, 3],
        workers=workers,
        progress=False,
    )


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return run(workers=1)


def test_one_trace_per_sampler_and_seed_in_order(table: pd.DataFrame) -> None:
    groups = table.groupby(["sampler", "seed"], sort=False)
    assert list(groups.groups) == [("BRP", 5), ("BRP", 3), ("chance", 5), ("chance", 3)]
    assert all(g["query"].tolist() == list(range(20)) for _, g in groups)


def test_each_trace_is_that_of_the_search_alone(table: pd.DataFrame) -> None:
    for (label, seed), group in table.groupby(["sampler", "seed"]):
        result = run_search(
            make_pool(seed),
            SAMPLERS[label],
            TableOracle(TABLE, "toys", seed),
            20,
            progress=False,
        )
        alone = trace(result.history, SCORES)
        got = group.drop(columns=["sampler", "seed"]).reset_index(drop=True)
        pd.testing.assert_frame_equal(got, alone)


def test_processes_change_nothing(table: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(run(workers=2), table)


def test_an_error_in_a_process_arrives() -> None:
    with pytest.raises(BudgetError, match="budget of 0"):
        run(workers=2, budget=0)
