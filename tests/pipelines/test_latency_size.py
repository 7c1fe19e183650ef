"""A search about networks of one size, with latencies of another."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from brpnas.errors import ConfigurationError
from brpnas.spaces import get_space
from pipelines.config import SearchConfig, parse
from pipelines.latency_size import check_latency_size, latency_size
from tests.pipelines.search.stage import search
from tests.pipelines.toys import SMALL, make_predictions

SPACE = "nasbench201"
PUBLISHED = get_space(SPACE).published
PREDICTIONS = make_predictions(["a", "b", "c", "d"])
SPENDS = (
    {"oracle": {"name": "train"}},
    {"oracle": {"name": "file"}},
    {"limits": {"source": "device"}},
)


def check(predictions: pd.DataFrame = PREDICTIONS, **changes: object) -> None:
    known = latency_size(predictions, SPACE)
    check_latency_size(parse(SearchConfig, search(**changes)), SMALL, "toy-device", known)


@pytest.mark.parametrize("spends", SPENDS)
def test_what_spends_is_refused_with_both_sizes_and_a_way_on(spends: dict[str, object]) -> None:
    check(**spends)
    wide = replace(SMALL, channels=9)
    with pytest.raises(ConfigurationError) as refused:
        check(PREDICTIONS.assign(network_size=wide.size), **spends)
    for part in (wide.size, SMALL.size, "'toy-device'", "--params=measure.device=NAME,device=NAME"):
        assert part in str(refused.value)


def test_the_refusal_names_all_its_causes() -> None:
    other = PREDICTIONS.assign(network_size=PUBLISHED.size)
    with pytest.raises(ConfigurationError) as refused:
        check(other, oracle={"name": "train"}, limits={"source": "device"})
    causes = 'search.oracle.name is "train" and search.limits.source is "device"'
    assert causes in str(refused.value)


@pytest.mark.parametrize(
    "changes", [{}, {"oracle": {"name": "surrogate"}}, {"limits": {"source": "table"}}]
)
def test_what_only_looks_up_may_transfer(changes: dict[str, object]) -> None:
    check(PREDICTIONS.assign(network_size=PUBLISHED.size), **changes)


def test_a_size_that_nothing_states_is_the_published_one() -> None:
    silent = PREDICTIONS.drop(columns="network_size")
    assert latency_size(silent, SPACE) == PUBLISHED.size
    with pytest.raises(ConfigurationError, match="stages=3 input_shape=3x32x32 classes=10, but"):
        check(silent, oracle={"name": "train"})
