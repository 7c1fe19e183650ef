"""The nodes of the stage on toy tables: each runs when one of its outputs is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.devices import Device
from brpnas.predictors import PairwiseRanker
from pipelines.search import create_pipeline
from pipelines.search.settings import read_settings
from tests.pipelines.parameters import base, changed
from tests.pipelines.stages import Stage

PARAMS = base(
    "search",
    budget={"queries": 12, "rounds": 3, "reevaluations": 2},
    limits={"confidence": 0.0},
    sampler={
        "flops_prior": 0,
        "infeasible_share": 0,
        "ranker": {
            "view": "raw",
            "paths": False,
            "hidden": 8,
            "layers": 2,
            "epochs": 2,
            "batch_size": 4,
            "learning_rate": 0.01,
            "weight_decay": 0.0,
        },
    },
    report={"comparison_seeds": 2},
    workers=1,
)
TRAINING = base("network_training", epochs=1, batch_size=128, workers=1)
TIMING = base("timing", warmup=1, runs=2, repeats=2)
NETWORK = base(
    "network", channels=2, cells_per_stage=1, stages=2, input_shape=[1, 8, 8], classes=10
)
IMAGES = base("images", path="digits", valid_share=1 / 3, test_share=1 / 3)
SPACE = "nasbench201"
TASK = (SPACE, "cifar100", ["latency_ms <= 7"])


_FOUND = (
    "search_history",
    "search_measurements",
    "ranker",
    "oracle_accuracy",
    "winner_network",
)


def search(**changes: Any) -> dict[str, Any]:
    """Parameters of the stage with changes, group by group."""
    return changed(PARAMS, changes)


def task(
    dataset: str = "cifar100", constraints: Sequence[str] = ("latency_ms <= 5",), **changes: Any
) -> dict[str, Any]:
    """The task in the result of a search."""
    return read_settings(SPACE, dataset, constraints, search(**changes), NETWORK, IMAGES).task()


def never() -> dict[str, Path]:
    raise AssertionError("published files were fetched although nobody asked for them")


def stage(
    tables: tuple[Any, ...],
    store: Path,
    params: dict[str, Any] = PARAMS,
    given: tuple[str, str, list[str]] = TASK,
    **changes: Any,
) -> Stage:
    """The stage on tables (graphs, architectures, accuracy, predictions, predictor)."""
    names = ("space_graphs", "architectures", "accuracy", "predictions")
    data = dict(zip((*names, "predictors"), tables, strict=True))
    data |= dict(zip(("params:space", "params:dataset", "params:constraints"), given, strict=True))
    data |= {
        "params:objectives": ["accuracy"],
        "params:search": params,
        "params:network": NETWORK,
        "params:images": IMAGES,
        "params:network_training": TRAINING,
        "params:timing": TIMING,
        "published_nasbench301": never,
        "search_store": store,
        "answers_by_hand": store.parent / "by_hand",
        "measured_devices": {},
    }
    return Stage(create_pipeline(), data | changes)


Found = tuple[pd.DataFrame, pd.DataFrame, PairwiseRanker, pd.DataFrame, bytes]


def run(
    tables: tuple[Any, ...],
    store: Path,
    params: dict[str, Any] = PARAMS,
    given: tuple[str, str, list[str]] = TASK,
    **changes: Any,
) -> Found:
    """History, measurements, ranker, accuracies of trainings, and the network found."""
    done = stage(tables, store, params, given, **changes)
    return tuple(done[name] for name in _FOUND)  # type: ignore[return-value]


def after(
    tables: tuple[Any, ...],
    found: tuple[Any, ...],
    params: dict[str, Any] = PARAMS,
    given: tuple[str, str, list[str]] = TASK,
    **changes: Any,
) -> Stage:
    """The stage with a search that has ended."""
    return stage(tables, Path(), params, given, **dict(zip(_FOUND, found, strict=True)), **changes)


def summarise(
    tables: tuple[Any, ...],
    found: tuple[Any, ...],
    params: dict[str, Any] = PARAMS,
    given: tuple[str, str, list[str]] = TASK,
    devices: dict[str, Device] | None = None,
) -> dict[str, Any]:
    """The result of a search that has ended."""
    done = after(tables, found, params, given, measured_devices=devices or {})
    result: dict[str, Any] = done["search_result"]
    return result
