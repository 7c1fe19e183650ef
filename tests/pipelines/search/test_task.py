"""The search task as it is set up from tables and parameters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import InfeasibleError
from brpnas.graphs import SpaceGraphs
from brpnas.search import SearchContext
from pipelines.config import SearchConfig, parse
from pipelines.search.task import make_context
from tests.pipelines.search.test_nodes import PARAMS


def context(
    graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    limit: float = 7.0,
    **changes: object,
) -> SearchContext:
    config = parse(SearchConfig, PARAMS | changes)
    constraints = [f"latency_ms <= {limit}"]
    return make_context(
        graphs, architectures, accuracy, predictions, "cifar100", constraints, config
    )


def test_feasible_is_what_the_prediction_allows_and_the_table_answers(
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
) -> None:
    tables = (small_graphs, architectures, accuracy, predictions)
    fast = predictions["predicted_latency_ms"].to_numpy() <= 7.0
    assert 0 < fast.sum() < len(fast)
    np.testing.assert_array_equal(context(*tables).feasible, fast)
    some = set(small_graphs.arch_ids[::3])
    few = accuracy[accuracy["arch_id"].isin(some)]
    answered = np.array([arch_id in some for arch_id in small_graphs.arch_ids])
    found = context(small_graphs, architectures, few, predictions)
    np.testing.assert_array_equal(found.feasible, fast & answered)
    # What is trained when it is asked for needs no table.
    trains = context(small_graphs, architectures, few, predictions, oracle="train")
    np.testing.assert_array_equal(trains.feasible, fast)


def test_a_limit_that_nothing_keeps_is_an_error(
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
) -> None:
    with pytest.raises(InfeasibleError):
        context(small_graphs, architectures, accuracy, predictions, limit=0.01)
