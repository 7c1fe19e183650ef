from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from pipelines import tracking


def test_flatten_keeps_finite_numbers_only() -> None:
    values = {
        "a": {"b": 1, "c": np.float32(0.5), "text": "no"},
        "nan": math.nan,
        "yes": True,
        "none": None,
        "list": [1],
    }
    assert list(tracking.flatten(values)) == [("a.b", 1.0, 0), ("a.c", 0.5, 0)]


def test_a_series_by_round_has_its_steps() -> None:
    logged = tracking.metrics({"front": {"hypervolume_by_round": [0.5, math.nan, 0.75]}}, "search")
    name = "search.front.hypervolume_by_round"
    assert [(m.key, m.value, m.step) for m in logged] == [(name, 0.5, 0), (name, 0.75, 2)]


def test_metrics_have_a_prefix_and_allowed_names() -> None:
    logged = tracking.metrics({"within 10 %": {"edge (tpu)": 0.9}}, "train")
    assert [(m.key, m.value, m.step) for m in logged] == [("train.within 10 _.edge _tpu_", 0.9, 0)]


def test_history_is_one_metric_per_series_and_step() -> None:
    table = pd.DataFrame(
        {
            "member": [0, 0, 1],
            "epoch": [1, 2, 1],
            "train_loss": [0.5, 0.4, 0.6],
            "valid_loss": [0.7, np.nan, 0.8],
            "note": ["x", "y", "z"],
        }
    )
    logged = tracking.history(table, step="epoch", by=["member"])
    assert {(m.key, m.step, m.value) for m in logged} == {
        ("train_loss/member_0", 1, 0.5),
        ("train_loss/member_0", 2, 0.4),
        ("train_loss/member_1", 1, 0.6),
        ("valid_loss/member_0", 1, 0.7),
        ("valid_loss/member_1", 1, 0.8),
    }


def test_history_has_a_prefix() -> None:
    table = pd.DataFrame({"query": [4], "latency_ms@box": [2.0], "knee": [True]})
    (logged,) = tracking.history(table, step="query", prefix="front.")
    assert (logged.key, logged.step, logged.value) == ("front.latency_ms_box", 4, 2.0)


def test_many_metrics_go_in_few_requests() -> None:
    calls: list[int] = []

    def log_batch(run_id: str, metrics: list[Any]) -> None:
        calls.append(len(metrics))

    logged = tracking.history(
        pd.DataFrame({"epoch": range(2500), "loss": np.ones(2500)}), step="epoch"
    )
    client: Any = SimpleNamespace(log_batch=log_batch)
    tracking.log_metrics(client, "run", logged)
    assert calls == [1000, 1000, 500]
