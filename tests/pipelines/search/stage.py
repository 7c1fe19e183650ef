"""The nodes of the stage on toy tables: each runs when one of its outputs is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from brpnas.devices import Device
from brpnas.predictors import PairwiseRanker
from pipelines.search import create_pipeline
from tests.pipelines.stages import Stage

PARAMS: dict[str, Any] = {
    "oracle": "table",
    "metric": "accuracy",
    "final_training": "auto",
    "measure_winner": False,
    "sampler": "brp",
    "budget": 12,
    "rounds": 3,
    "exploit_fraction": 0.5,
    "candidates": None,
    "neighbours": 0,
    "flops_prior": 0,
    "unconstrained_share": 0,
    "choose_by": "ranker",
    "latency": "predicted",
    "confidence": 0.0,
    "prefilter_confidence": 0.99,
    "measurements_per_query": 10,
    "repeats": 2,
    "seed": 0,
    "comparison_seeds": 2,
    "workers": 1,
    "ranker": {
        "view": "raw",
        "paths": False,
        "backbone": "gcn",
        "members": 1,
        "hidden": 8,
        "layers": 2,
        "epochs": 2,
        "batch_size": 4,
        "learning_rate": 0.01,
        "dropout": 0.0,
        "weight_decay": 0.0,
    },
}
TRAINING: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 128,
    "optimiser": "sgd",
    "learning_rate": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.0005,
    "label_smoothing": 0.0,
    "shift": 0,
    "flip": False,
    "drop_path": 0.0,
    "auxiliary_weight": 0.0,
    "device": "cpu",
    "workers": 1,
    "scheduler": None,
}
TIMING: dict[str, Any] = {
    "runtime": "onnxruntime",
    "target": None,
    "precision": "fp32",
    "threads": 1,
    "batch_size": 1,
    "warmup": 1,
    "runs": 2,
    "repeats": 2,
    "scheduler": None,
}
NETWORK: dict[str, Any] = {
    "channels": 2,
    "cells_per_stage": 1,
    "stages": 2,
    "input_shape": [1, 8, 8],
    "classes": 10,
}
IMAGES = {
    "path": "digits",
    "size": None,
    "label": None,
    "valid_share": 1 / 3,
    "test_share": 1 / 3,
    "split_seed": 0,
}
EXPORT = {"tolerance": 1e-4, "seed": 0}
SPACE = "nasbench201"
TASK = (SPACE, "cifar100", ["latency_ms <= 7"])


_FOUND = (
    "search_history",
    "search_measurements",
    "ranker",
    "oracle_accuracy",
    "winner_network",
)


def never() -> dict[str, Path]:
    raise AssertionError("published files were fetched although nobody asked for them")


def stage(
    tables: tuple[Any, ...],
    store: Path,
    params: dict[str, Any] = PARAMS,
    task: tuple[str, str, list[str]] = TASK,
    **changes: Any,
) -> Stage:
    """The stage on tables (graphs, architectures, accuracy, predictions, predictor)."""
    names = ("space_graphs", "architectures", "accuracy", "latency_predictions")
    data = dict(zip((*names, "latency_predictor"), tables, strict=True))
    data |= dict(zip(("params:space", "params:dataset", "params:constraints"), task, strict=True))
    data |= {
        "params:search": params,
        "params:network": NETWORK,
        "params:images": IMAGES,
        "params:network_training": TRAINING,
        "params:timing": TIMING,
        "params:export": EXPORT,
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
    task: tuple[str, str, list[str]] = TASK,
    **changes: Any,
) -> Found:
    """History, measurements, ranker, accuracies of trainings, and the network found."""
    done = stage(tables, store, params, task, **changes)
    return tuple(done[name] for name in _FOUND)  # type: ignore[return-value]


def after(
    tables: tuple[Any, ...],
    found: tuple[Any, ...],
    params: dict[str, Any] = PARAMS,
    task: tuple[str, str, list[str]] = TASK,
    **changes: Any,
) -> Stage:
    """The stage with a search that has ended."""
    return stage(tables, Path(), params, task, **dict(zip(_FOUND, found, strict=True)), **changes)


def summarise(
    tables: tuple[Any, ...],
    found: tuple[Any, ...],
    params: dict[str, Any] = PARAMS,
    task: tuple[str, str, list[str]] = TASK,
    devices: dict[str, Device] | None = None,
) -> dict[str, Any]:
    """The result of a search that has ended."""
    done = after(tables, found, params, task, measured_devices=devices or {})
    result: dict[str, Any] = done["search_result"]
    return result
