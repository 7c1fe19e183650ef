"""Limits and candidate pool as they are set up from tables and parameters."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from brpnas.conformal import error_quantile, log_errors
from brpnas.errors import ConfigurationError, InfeasibleError, SchemaError
from brpnas.graphs import SpaceGraphs
from brpnas.predictors import MetricPredictor
from brpnas.search import History, ListedPool, SampledPool, Sampler
from pipelines.config import SearchConfig, parse
from pipelines.search.samplers import make_sampler
from tests.pipelines.search.stage import PARAMS, Stage, search, stage


class Tables(NamedTuple):
    """What a task is made of, in the order of `stage`."""

    graphs: SpaceGraphs
    architectures: pd.DataFrame
    accuracy: pd.DataFrame
    predictions: pd.DataFrame
    predictor: MetricPredictor


@pytest.fixture
def tables(
    small_graphs: SpaceGraphs,
    architectures: pd.DataFrame,
    accuracy: pd.DataFrame,
    predictions: pd.DataFrame,
    predictor: MetricPredictor,
) -> Tables:
    return Tables(small_graphs, architectures, accuracy, predictions, predictor)


def set_up(
    tables: Tables,
    constraints: list[str],
    dataset: str = "cifar100",
    space: str = "nasbench201",
    **changes: object,
) -> Stage:
    predictors = {"latency_ms@toy-device": tables.predictor}
    return stage(
        (*tables[:4], predictors), Path(), search(**changes), (space, dataset, constraints)
    )


def listed(tables: Tables, *, limit: float = 7.0, **changes: object) -> ListedPool:
    pool = set_up(tables, [f"latency_ms <= {limit}"], **changes)["candidate_pool"]
    assert isinstance(pool, ListedPool)
    return pool


def test_feasible_is_what_the_prediction_allows_and_the_table_answers(
    tables: Tables,
) -> None:
    predictions, accuracy = tables.predictions, tables.accuracy
    fitted = predictions["split"].isin(["train", "valid"])
    said = predictions["predicted"]
    fast = predictions["measured"].where(fitted, said).to_numpy() <= 7.0
    assert (fast != (said <= 7.0)).any(), "measured latencies count as measured"
    assert 0 < fast.sum() < len(fast)
    np.testing.assert_array_equal(listed(tables).feasible, fast)
    some = set(tables.graphs.arch_ids[::3])
    few = tables._replace(accuracy=accuracy[accuracy["arch_id"].isin(some)])
    answered = np.array([arch_id in some for arch_id in tables.graphs.arch_ids])
    found = listed(few)
    np.testing.assert_array_equal(found.feasible, fast & answered)
    np.testing.assert_array_equal(found.answerable, answered)
    # What is trained when it is asked for needs no table.
    trains = listed(few, oracle={"name": "train"})
    np.testing.assert_array_equal(trains.feasible, fast)
    assert trains.answerable.all()


def test_a_limit_that_nothing_keeps_is_an_error(
    tables: Tables,
) -> None:
    with pytest.raises(InfeasibleError):
        listed(tables, limit=0.01)


def made(**changes: Any) -> Sampler:
    config = parse(SearchConfig, search(**changes))
    return make_sampler(config.sampler, config.budget)


def test_the_sampler_has_the_parameters_of_the_configuration() -> None:
    budget = {"rounds": 4, "reevaluations": 0}
    given = {"exploit_fraction": 0.8, "neighbours": 7, "candidates": 9}
    given |= {"infeasible_share": 0.25, "flops_prior": 6}
    sampler = made(budget=budget, sampler=given)
    assert sampler.describe() == {
        "name": "brp",
        "rounds": 4,
        "exploit_fraction": 0.8,
        "neighbours": 7,
        "leaders": 3,
        "flops_prior": 6,
        "infeasible_share": 0.25,
        "choose_by": "ranker",
    }


@pytest.mark.parametrize("name", ["random", "evolution"])
def test_other_samplers_have_reevaluations_alone(name: str) -> None:
    sampler = made(budget={"reevaluations": 3}, sampler={"name": name, "neighbours": 7})
    assert sampler.name == name
    assert sampler.describe()["reevaluations"] == 3
    assert "neighbours" not in sampler.describe()


def test_neighbours_of_listed_architectures_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"set search\.sampler\.neighbours to 0"):
        made(sampler={"neighbours": 7})


@pytest.mark.parametrize("oracle", ["train", "surrogate"])
def test_candidates_are_drawn_from_the_whole_space(
    tables: Tables,
    oracle: str,
) -> None:
    changes = {"oracle": {"name": oracle}, "sampler": {"candidates": 20}, "seed": 3}
    limit = float(np.median(tables.predictor.predict(tables.graphs)))
    found = set_up(tables, [f"latency_ms <= {limit}"], **changes)["candidate_pool"]
    assert isinstance(found, SampledPool)
    assert (found.seed, found.candidates, found.view) == (
        3,
        20,
        PARAMS["sampler"]["ranker"]["view"],
    )
    drawn = found.fresh(History(), 30)
    assert set(drawn) - set(tables.graphs.arch_ids), "not only those that are listed"
    assert found.predictions(drawn)["latency_ms"].max() <= limit
    # The store of the search is not that of another predictor.
    other = replace(tables.predictor, scale=2 * tables.predictor.scale)
    changed = set_up(tables._replace(predictor=other), [], **changes)["candidate_pool"]
    assert changed.describe()["predictor"] != found.describe()["predictor"]


def test_a_table_cannot_answer_for_what_is_drawn(
    tables: Tables,
) -> None:
    with pytest.raises(ConfigurationError, match=r"search\.sampler\.candidates .*'table'"):
        set_up(tables, [], sampler={"candidates": 20})["candidate_pool"]


def test_graphs_of_another_space_are_refused(tables: Tables) -> None:
    with pytest.raises(SchemaError, match=r"'nasbench201'.*'darts'"):
        set_up(tables, [], space="darts")["search_limits"]


def test_without_test_accuracies_nothing_is_held_out(tables: Tables) -> None:
    valid = tables.accuracy[tables.accuracy["split"] == "valid"]
    done = set_up(tables._replace(accuracy=valid), [])
    done.data["oracle_accuracy"] = valid.iloc[:0]
    scores = done["search_scores"].held_out
    assert not scores.mean
    assert np.isnan(scores.optimum)


def test_a_ratio_from_the_validation_rows_keeps_the_limit(
    tables: Tables,
) -> None:
    said = tables.predictions["predicted"].to_numpy()
    split = np.array(["train", "valid", "valid", "valid"] + ["test"] * (len(said) - 4))
    # The predictor is 20 % too low on its validation rows; the row it was trained on is exact.
    truth = np.where(split == "train", 6.9, 1.2 * said)
    table = tables.predictions.assign(split=split, measured=truth)
    tables = tables._replace(predictions=table)
    plain = listed(tables).feasible
    kept = listed(tables, limits={"confidence": 0.5}).feasible
    expected = 1.2 * said <= 7.0
    expected[split == "train"] = True
    expected[split == "valid"] = (truth <= 7.0)[split == "valid"]
    np.testing.assert_array_equal(kept, expected)
    assert kept.sum() < plain.sum()


def test_where_latency_is_looked_up_prediction_tells_the_clear_from_the_uncertain(
    tables: Tables,
) -> None:
    said = tables.predictions["predicted"].to_numpy()
    split = np.where(np.arange(len(said)) % 2, "valid", "test")
    split[said.argmax()] = "train"
    # Half of the validation rows are 20 % faster than predicted, half as much slower.
    factor = np.where(np.arange(len(said)) % 4 < 2, 0.8, 1.2)
    truth = np.where(split == "train", 99.0, factor * said)
    table = tables.predictions.assign(split=split, measured=truth)
    tables = tables._replace(predictions=table)
    given = {"limits": {"source": "table", "confidence": 0.9}}
    limit = float(np.median(said))
    found = listed(tables, limit=limit, **given)
    known = split != "test"
    np.testing.assert_array_equal(found.feasible, np.where(known, truth, 0.8 * said) <= limit)
    np.testing.assert_array_equal(found.within, np.where(known, truth, 1.2 * said) <= limit)
    assert 0 < found.within.sum() < found.feasible.sum() < len(said)
    reached = found.feasible & found.limits.feasible(found.arch_ids, dict(found.predicted))
    np.testing.assert_array_equal(reached, truth <= limit)


def test_the_optimum_of_a_search_on_a_device_is_unknown(tables: Tables) -> None:
    optima = {}
    for latency in ("predicted", "table", "device"):
        done = set_up(tables, ["latency_ms <= 7"], limits={"source": latency})
        done.data["oracle_accuracy"] = tables.accuracy.iloc[:0]
        optima[latency] = done["search_scores"].held_out.optimum
    assert np.isnan(optima["device"])
    assert np.isfinite([optima["predicted"], optima["table"]]).all()


def test_candidates_of_a_measured_search_are_clearly_within_or_worth_measuring(
    tables: Tables,
) -> None:
    said = tables.predictor.predict(tables.graphs)
    limit = float(np.median(said))
    split = np.where(np.arange(len(said)) % 2, "valid", "test")
    factor = np.where(np.arange(len(said)) % 4 < 2, 0.8, 1.1)
    table = tables.predictions.assign(
        predicted=said, measured=factor * said, split=split, log_deviation=np.nan
    )
    given = {
        "limits": {"source": "device", "confidence": 0.9},
        "sampler": {"candidates": 60},
        "oracle": {"name": "train"},
    }
    tables = tables._replace(predictions=table)
    found = set_up(tables, [f"latency_ms <= {limit}"], "digits", **given)["candidate_pool"]
    found = replace(found, limits=replace(found.limits, known={}), deviate=None)
    assert isinstance(found, SampledPool)
    shortlist = found.shortlist(History())
    latency = found.predictions(shortlist.names(np.arange(len(shortlist))))["latency_ms"]
    assert (latency <= limit / 0.8 * 1.001).all()
    np.testing.assert_array_equal(shortlist.is_within, 1.1 * latency <= limit * 1.001)
    assert 0 < shortlist.is_within.sum() < len(shortlist)


def test_deviations_give_each_architecture_its_own_interval(tables: Tables) -> None:
    """Without validation rows errors are normal."""
    said = tables.predictions["predicted"].to_numpy()
    split = np.where(np.arange(len(said)) < 10, "train", None)
    deviation = np.random.default_rng(0).uniform(0.05, 0.3, len(said))
    truth = np.where(split == "train", said, np.nan)
    table = tables.predictions.assign(split=split, measured=truth, log_deviation=deviation)
    tables = tables._replace(predictions=table)
    limit = float(np.median(said))
    kept = listed(tables, limit=limit, limits={"confidence": 0.9}).feasible
    known = split == "train"
    upper = said * np.exp(error_quantile(log_errors(table), 0.9) * deviation)
    np.testing.assert_array_equal(kept, np.where(known, said, upper) <= limit)
    plain = listed(tables, limit=limit, limits={"confidence": 0}).feasible
    np.testing.assert_array_equal(plain, said <= limit)
    assert 0 < kept.sum() < plain.sum()


def test_a_limit_on_another_device_is_kept_by_its_own_predictions(tables: Tables) -> None:
    said = tables.predictions["predicted"].to_numpy()
    mine = tables.predictions.assign(split="test")
    other = mine.assign(device="box", predicted=said[::-1])
    both = tables._replace(predictions=pd.concat([mine, other]))
    half = float(np.median(said))
    limits = [f"latency_ms <= {half}", f"latency_ms@box <= {half}"]
    pool = set_up(both, limits)["candidate_pool"]
    np.testing.assert_array_equal(pool.feasible, (said <= half) & (said[::-1] <= half))
    assert set(pool.predicted) >= {"latency_ms", "latency_ms@box", "params_m"}


def test_what_a_wide_interval_leaves_is_told(
    tables: Tables, caplog: pytest.LogCaptureFixture
) -> None:
    said = tables.predictions["predicted"].to_numpy()
    wide = tables.predictions.assign(split=None, measured=np.nan, log_deviation=0.2)
    limit = float(np.median(said))
    upper = said * np.exp(0.2 * error_quantile(log_errors(wide), 0.9))
    left, plain = (upper <= limit).sum(), (said <= limit).sum()
    assert left < plain / 2
    with caplog.at_level("INFO"):
        given = {"limits": {"confidence": 0.9}, "budget": {"queries": 100}}
        listed(tables._replace(predictions=wide), limit=limit, **given)
    assert re.search(rf"\b{left} of {len(said)} .* 90%, {plain} ", caplog.text)
    assert re.search(rf" {left} architectures .* 100 queries", caplog.text)
    caplog.clear()
    with caplog.at_level("INFO"):
        listed(tables._replace(predictions=wide), limit=limit, limits={"confidence": 0})
    assert "confidence" not in caplog.text
