from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from brpnas.report.data import ReportData, Task
from brpnas.report.words import protocol_sentences
from tests.report.samples import (
    FRONT,
    METRICS,
    WINNER,
    front_table,
    report_data,
    space_table,
    traces_table,
)


def said(data: ReportData) -> str:
    return " ".join(protocol_sentences(data))


def brp(**settings: Any) -> Task:
    """The task with the brp sampler."""
    return {**report_data().task, "sampler": {"name": "brp", **settings}}


def test_the_whole_protocol() -> None:
    text = said(report_data())
    for part in (
        "The search space is nasbench201; accuracy is on cifar100; latency is on phone-7.",
        "fitted on 30 measured architectures; 10 others",
        "which view of the graph to use (pruned)",
        "remaining 159 test rows",
        "an ensemble of 2",
        "asked 12 queries in 3 rounds with the sampler brp (seed 4); 1 of them failed",
        "never sees test accuracy",
        "means over 3 seeds per sampler",
        "middle half of the seeds",
        "it can exceed the best mean",
    ):
        assert part in text


def test_what_is_not_known_is_not_claimed() -> None:
    text = said(report_data(predictions=None, metrics={}, traces=None, protocol={}, task={}))
    for part in ("search space", "fitted on", "±10 %", "seeds per", "constraints were", "seed"):
        assert part not in text.replace("training seeds", "")
    assert "asked 12 queries in 3 rounds; 1 of them failed." in text


def test_stopped_trainings_are_no_failures() -> None:
    history = report_data().history
    assert "stopped" not in said(report_data())
    status = ["stopped", "stopped", *history["status"][2:]]
    text = said(report_data(history=history.assign(status=status)))
    assert "1 of them failed; 2 of their trainings were stopped early" in text


def test_what_was_asked_beyond_the_constraints_is_said() -> None:
    history = report_data().history
    assert "did not satisfy" not in said(report_data())
    over = history.assign(feasible=[False, False, *[True] * (len(history) - 2)])
    text = said(report_data(history=over))
    assert "2 of them, drawn at random at the start, did not satisfy the constraints" in text
    assert "Otherwise only architectures whose predicted figures" in text
    assert "winner is the queried architecture within the constraints with the best" in text
    by_ranker = said(report_data(history=over, task=brp(choose_by="ranker")))
    assert "winner is the queried architecture within the constraints that the ranker" in by_ranker


def test_a_prior_is_said_where_there_was_one() -> None:
    text = said(report_data(task=brp(flops_prior=10)))
    assert "networks with more multiply-adds tend to be more accurate is a prior" in text
    assert "weighs as much as 10 answers. " in text
    for task in ({}, brp(flops_prior=0), brp(flops_prior=10, name="random")):
        assert "prior" not in said(report_data(task=task))


def test_what_was_measured_and_asked_all_the_same_was_not_left_out() -> None:
    history = report_data().history
    history["feasible"] = [False, False, *[True] * (len(history) - 2)]
    history["latency_ms"] = [9.0, np.nan, *[1.0] * (len(history) - 2)]
    protocol = {"sources": {"latency_ms": "device"}, "measured": 30, "refused": 18}
    text = said(report_data(history=history, protocol=protocol))
    assert "Otherwise an architecture was asked if predictions place it within" in text
    assert "30 were. 17 did not satisfy the constraints and were left out" in text


def test_rows_of_the_protocol_stand_in_for_missing_predictions() -> None:
    rows = {"train_rows": 900, "valid_rows": 100, "test_rows": 14284}
    text = said(report_data(predictions=None, protocol=rows))
    assert "fitted on 900" in text
    assert "remaining 14,284 test rows" in text
    del rows["test_rows"]
    assert "fitted on" not in said(report_data(predictions=None, protocol=rows))


def test_the_sum_of_operations_is_explained_where_it_is_shown() -> None:
    assert "layer-wise" not in said(report_data())
    shown = said(report_data(metrics=METRICS | {"layerwise": METRICS["gcn"]}))
    assert "layer-wise sum adds up the operations" in shown
    assert "learns nothing" in shown


def test_what_the_winner_was_chosen_by_is_said() -> None:
    by_ranker = "winner is the queried architecture that the ranker put first"
    assert by_ranker in said(report_data(task=brp(choose_by="ranker")))
    for task in ({}, brp(choose_by="answers"), brp(choose_by="ranker", name="evolution")):
        text = said(report_data(task=task))
        assert "winner is the queried architecture with the best validation accuracy" in text
        assert by_ranker not in text


def test_the_confidence_is_said_where_there_is_one() -> None:
    assert "with a confidence of 90 %" in said(report_data(protocol={"confidence": 0.9}))
    assert "confidence" not in said(report_data(protocol={"confidence": None}))


@pytest.mark.parametrize(
    ("source", "how"),
    [("device", "near a limit was measured"), ("table", "near a limit was looked up")],
)
def test_what_was_measured_before_asking_is_said(source: str, how: str) -> None:
    protocol = {"sources": {"latency_ms": source}, "measured": 99, "refused": 17}
    text = said(report_data(protocol=protocol))
    assert how in text
    assert "99 were. 17 did not satisfy the constraints" in text


def test_an_unfinished_budget_is_said() -> None:
    assert "12 queries of a budget of 100" in said(report_data(task={"budget": {"queries": 100}}))
    assert "budget" not in said(report_data(task={"budget": {"queries": 12}}))


def test_one_seed_has_no_spread() -> None:
    text = said(report_data(traces=traces_table(seeds=1)))
    assert "Search curves show one seed per sampler." in text
    assert "band" not in text


def test_unequal_numbers_of_seeds_are_said() -> None:
    traces = traces_table(seeds=3)
    traces = traces[(traces["sampler"] != "random") | (traces["seed"] < 2)]
    assert "means over 2 to 3 seeds" in said(report_data(traces=traces))


def test_one_model_is_no_ensemble() -> None:
    assert "ensemble" not in said(report_data(protocol={"members": 1}))


def test_a_choice_without_test_accuracy_and_a_surrogate_are_said() -> None:
    chosen = report_data().chosen | {"test_accuracy": None}
    text = said(report_data(chosen=chosen))
    assert "There is no test accuracy of it" in text
    assert "scored by its test accuracy" not in text
    assert "no network was trained" in said(report_data(task={"oracle": {"name": "surrogate"}}))
    assert "no network was trained" not in said(report_data(task={"oracle": {"name": "table"}}))


def test_rounds_are_those_in_which_architectures_were_new() -> None:
    data = report_data()
    history = data.history.assign(round=[0] * 10 + [1] * (len(data.history) - 10))
    again = history.iloc[[0]].assign(query=len(history), round=2)
    repeated = report_data(history=pd.concat([history, again], ignore_index=True))
    assert "in 2 rounds" in said(repeated)


@pytest.mark.parametrize("knee", [WINNER, "another"])
def test_the_winner_of_a_search_for_a_front_is_its_knee_or_a_member(knee: str) -> None:
    front = front_table(space_table())
    data = report_data(front=front, front_figures=FRONT | {"knee": knee})
    text = said(data)
    assert bool(re.search(r"winner is .* knee\b", text)) == (knee == WINNER)
    assert bool(re.search(r"winner is .* member\b", text)) == (knee != WINNER)
