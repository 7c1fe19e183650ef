"""The search task as it is set up from tables and parameters."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from brpnas.errors import ConfigurationError, InfeasibleError, SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import LatencyPredictor
from brpnas.predictors.margin import shared_factor
from brpnas.search import History, OpenContext, SearchContext
from pipelines.config import SearchConfig, parse
from pipelines.search.task import (
    held_out_scores,
    make_context,
    make_sampler,
    predicted_metrics,
    reachable,
)
from tests.pipelines.search.test_nodes import PARAMS, SPACE
from tests.pipelines.toys import SMALL


class Tables(NamedTuple):
    """What a task is made of, in the order of `make_context`."""

    graphs: SpaceGraphs
    architectures: pd.DataFrame
    accuracy: pd.DataFrame
    predictions: pd.DataFrame
    predictor: LatencyPredictor


@pytest.fixture
def tables(
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    predictor: LatencyPredictor,
) -> Tables:
    return Tables(small_graphs, architectures, accuracy, predictions, predictor)


def context(tables: Tables, *, limit: float = 7.0, **changes: object) -> SearchContext:
    config = parse(SearchConfig, PARAMS | changes)
    constraints = [f"latency_ms <= {limit}"]
    found = make_context(
        *tables,
        *("nasbench201", "cifar100", constraints, SMALL, config),
    )
    assert isinstance(found, SearchContext)
    return found


def test_feasible_is_what_the_prediction_allows_and_the_table_answers(
    tables: Tables,
) -> None:
    predictions, accuracy = tables.predictions, tables.accuracy
    fast = predictions["predicted_latency_ms"].to_numpy() <= 7.0
    assert 0 < fast.sum() < len(fast)
    np.testing.assert_array_equal(context(tables).feasible, fast)
    some = set(tables.graphs.arch_ids[::3])
    few = tables._replace(accuracy=accuracy[accuracy["arch_id"].isin(some)])
    answered = np.array([arch_id in some for arch_id in tables.graphs.arch_ids])
    found = context(few)
    np.testing.assert_array_equal(found.feasible, fast & answered)
    np.testing.assert_array_equal(found.answerable, answered)
    # What is trained when it is asked for needs no table.
    trains = context(few, oracle="train")
    np.testing.assert_array_equal(trains.feasible, fast)
    assert trains.answerable.all()


def test_a_limit_that_nothing_keeps_is_an_error(
    tables: Tables,
) -> None:
    with pytest.raises(InfeasibleError):
        context(tables, limit=0.01)


def test_the_sampler_has_the_parameters_of_the_configuration() -> None:
    given = {"exploit_fraction": 0.8, "neighbours": 7, "candidates": 9, "rounds": 4, "repeats": 0}
    given |= {"unconstrained_share": 0.25, "flops_prior": 6}
    sampler = make_sampler("brp", parse(SearchConfig, PARAMS | given))
    assert sampler.describe() == {
        "name": "brp",
        "rounds": 4,
        "exploit_fraction": 0.8,
        "neighbours": 7,
        "leaders": 3,
        "flops_prior": 6,
        "unconstrained_share": 0.25,
        "choose_by": "ranker",
    }


def test_neighbours_of_listed_architectures_are_refused() -> None:
    config = parse(SearchConfig, PARAMS | {"neighbours": 7})
    with pytest.raises(ConfigurationError, match=r"set search\.neighbours to 0"):
        make_sampler("brp", config)


@pytest.mark.parametrize("oracle", ["train", "surrogate"])
def test_candidates_are_drawn_from_the_whole_space(
    tables: Tables,
    oracle: str,
) -> None:
    config = parse(SearchConfig, PARAMS | {"oracle": oracle, "candidates": 20, "seed": 3})
    limit = float(np.median(tables.predictor.predict(tables.graphs)))
    found = make_context(
        *tables, "nasbench201", "cifar100", [f"latency_ms <= {limit}"], SMALL, config
    )
    assert isinstance(found, OpenContext)
    assert (found.seed, found.candidates, found.view) == (3, 20, config.ranker.view)
    drawn = found.fresh(History(), 30)
    assert set(drawn) - set(tables.graphs.arch_ids), "not only those that are listed"
    assert found.predictions(drawn)["latency_ms"].max() <= limit
    # The store of the search is not that of another predictor.
    other = replace(tables.predictor, scale=2 * tables.predictor.scale)
    changed = make_context(
        *tables._replace(predictor=other), "nasbench201", "cifar100", [], SMALL, config
    )
    assert changed.describe()["predictor"] != found.describe()["predictor"]


def test_a_table_cannot_answer_for_what_is_drawn(
    tables: Tables,
) -> None:
    config = parse(SearchConfig, PARAMS | {"candidates": 20})
    with pytest.raises(ConfigurationError, match=r"set search\.candidates to null"):
        make_context(*tables, "nasbench201", "cifar100", [], SMALL, config)
    with pytest.raises(SchemaError, match="graphs are of the space 'nasbench201', but space is"):
        make_context(*tables, "darts", "cifar100", [], SMALL, config)


def test_without_test_accuracies_nothing_is_held_out(accuracy: pd.DataFrame) -> None:
    valid = accuracy[accuracy["split"] == "valid"]
    config = parse(SearchConfig, PARAMS)
    found = held_out_scores(config, valid, valid.iloc[:0], "cifar100", [])
    assert not found.mean
    assert np.isnan(found.optimum)


def test_a_margin_from_the_validation_rows_keeps_the_limit(
    tables: Tables,
) -> None:
    said = tables.predictions["predicted_latency_ms"].to_numpy()
    split = np.array(["train", "valid", "valid", "valid"] + ["test"] * (len(said) - 4))
    # The predictor is 20 % too low on its validation rows; the row it was trained on is exact.
    truth = np.where(split == "train", 6.9, 1.2 * said)
    table = tables.predictions.assign(split=split, latency_ms=truth)
    tables = tables._replace(predictions=table)
    plain = context(tables).feasible
    kept = context(tables, confidence=0.5).feasible
    expected = 1.2 * said <= 7.0
    expected[split == "train"] = True
    expected[split == "valid"] = (truth <= 7.0)[split == "valid"]
    np.testing.assert_array_equal(kept, expected)
    assert kept.sum() < plain.sum()


def test_where_latency_is_measured_first_prediction_only_rules_out(
    tables: Tables,
) -> None:
    said = tables.predictions["predicted_latency_ms"].to_numpy()
    split = np.full(len(said), "valid", object)
    split[np.argsort(said)[: len(said) // 2]] = "test"
    split[said.argmax()] = "train"
    # On its validation rows the predictor is 25 % too high; the row it was trained on is over.
    truth = np.where(split == "train", 99.0, 0.8 * said)
    table = tables.predictions.assign(split=split, latency_ms=truth)
    tables = tables._replace(predictions=table)
    given = {"latency": "table", "rule_out_confidence": 0.9, "confidence": 0.9}
    limit = float(np.median(said[split == "test"]))
    found = context(tables, limit=limit, **given)
    # Known exactly, or within the limit if the truth is 20 % below the prediction.
    known = split != "test"
    np.testing.assert_array_equal(found.feasible, np.where(known, truth, 0.8 * said) <= limit)
    np.testing.assert_array_equal(found.likely, np.where(known, truth, said) <= limit)
    assert 0 < found.likely.sum() < found.feasible.sum() < len(said)
    config = parse(SearchConfig, PARAMS | given)
    metrics = predicted_metrics(table, tables.graphs.arch_ids, SPACE, SMALL)
    args = ([f"latency_ms <= {limit}"], metrics, table, tables.graphs.arch_ids)
    np.testing.assert_array_equal(reachable(*args, config), truth <= limit)
    assert reachable(*args, parse(SearchConfig, PARAMS | given | {"latency": "device"})) is None
    # Where nobody is likely, all that is not ruled out may still be measured.
    none = context(tables, limit=float(said.min()) * 0.9, **given, oracle="train")
    assert not none.likely.any()
    assert none.feasible.any()


def test_candidates_of_a_measured_search_are_likely_by_prediction(
    tables: Tables,
) -> None:
    said = tables.predictor.predict(tables.graphs)
    limit = float(np.median(said))
    split = np.where(np.arange(len(said)) % 2, "valid", "test")
    table = tables.predictions.assign(predicted_latency_ms=said, latency_ms=0.8 * said, split=split)
    given = {"oracle": "train", "candidates": 60, "latency": "device", "rule_out_confidence": 0.9}
    config = parse(SearchConfig, PARAMS | given)
    tables = tables._replace(predictions=table)
    found = make_context(
        *tables, "nasbench201", "digits", [f"latency_ms <= {limit}"], SMALL, config
    )
    assert isinstance(found, OpenContext)
    listed = found.shortlist(History())
    latency = found.predictions(listed.names(np.arange(len(listed))))["latency_ms"]
    assert (latency <= limit / 0.8 * 1.001).all()
    np.testing.assert_array_equal(listed.is_likely, latency <= limit)
    assert 0 < listed.is_likely.sum() < len(listed)


def test_a_lower_bound_is_held_against_what_was_measured_as_it_is(
    tables: Tables,
) -> None:
    said = tables.predictions["predicted_latency_ms"].to_numpy()
    split = np.where(np.arange(len(said)) % 2, "valid", "test")
    rng = np.random.default_rng(0)
    table = tables.predictions.assign(
        split=split, latency_ms=said * rng.uniform(0.7, 1.4, len(said))
    )
    limit = float(np.median(said))
    constraints = [f"latency_ms >= {limit}", "flops_m <= 1000"]
    for latency in ("predicted", "table"):
        config = parse(SearchConfig, PARAMS | {"latency": latency, "confidence": 0.9})
        metrics = predicted_metrics(table, tables.graphs.arch_ids, SPACE, SMALL)
        args = (constraints, metrics, table, tables.graphs.arch_ids, config)
        truth = table["latency_ms"].to_numpy()
        known = split == "valid"
        want = np.where(known, truth, said) >= limit
        found = make_context(
            *tables._replace(predictions=table),
            *("nasbench201", "cifar100", constraints, SMALL, config),
        )
        assert isinstance(found, SearchContext)
        np.testing.assert_array_equal(found.feasible, want)
        reached = want if latency == "predicted" else want & (truth >= limit)
        np.testing.assert_array_equal(reachable(*args), reached)


def test_a_predictor_of_few_rows_gives_the_margin_itself(tables: Tables) -> None:
    """Without validation rows the deviations of its predictions do."""
    said = tables.predictions["predicted_latency_ms"].to_numpy()
    split = np.where(np.arange(len(said)) < 10, "train", None)
    deviation = np.linspace(0.05, 0.3, len(said))
    truth = np.where(split == "train", said, np.nan)
    table = tables.predictions.assign(split=split, latency_ms=truth, log_deviation=deviation)
    tables = tables._replace(predictions=table)
    factor = shared_factor(deviation, 0.9)
    assert factor > 1.1
    limit = float(np.median(said))
    kept = context(tables, limit=limit, confidence=0.9).feasible
    known = split == "train"
    np.testing.assert_array_equal(kept, np.where(known, said, factor * said) <= limit)
    given = {"latency": "device", "rule_out_confidence": 0.99, "oracle": "train"}
    measured = context(tables, limit=limit, **given).feasible
    lowest = np.where(known, said, said / shared_factor(deviation, 0.99))
    np.testing.assert_array_equal(measured, lowest <= limit)
    plain = context(tables, limit=limit, confidence=0).feasible
    np.testing.assert_array_equal(plain, said <= limit)


def test_what_a_wide_margin_leaves_is_told(
    tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    said = tables.predictions["predicted_latency_ms"].to_numpy()
    wide = tables.predictions.assign(split=None, latency_ms=np.nan, log_deviation=0.2)
    limit = float(np.median(said))
    factor = shared_factor([0.2], 0.9)
    left, plain = (factor * said <= limit).sum(), (said <= limit).sum()
    assert left < plain / 2
    with caplog.at_level("INFO"):
        context(tables._replace(predictions=wide), limit=limit, confidence=0.9, budget=100)
    margin = f"{100 * (factor - 1):.0f} %"
    assert (
        f"{left} of {len(said)} architectures are feasible with a margin of {margin}" in caplog.text
    )
    assert f"{plain} without" in caplog.text
    assert f"leaves {left} architectures for a budget of 100 queries" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        context(tables._replace(predictions=wide), limit=limit, confidence=0)
    assert "margin" not in caplog.text
