"""Measuring latency on this machine, and predicting it from 300 cells.

Protocol and runtime are those of `timing` in conf/base/parameters_measure.yml. Use an idle machine:
the drift of the reference network and the load average reveal disturbances.

1. Seconds and drift of measuring 300 cells.
2. Repeatability: 100 of them again, after all others.
3. Predictors from 300 measured cells (250 train, 50 validate), scored on 200 others, a new split
   per seed. `layerwise` adds up single operations and is not trained; `layerwise_scaled` multiplies
   it by one factor, fitted to the same 300.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.data import bench, settings, stopwatch
from benchmarks.figures import by_group
from benchmarks.latency import METRICS, fit_once, split
from brpnas.measure import (
    MeasureResult,
    MeasureSettings,
    Protocol,
    get_runtime,
    measure_cells,
    measure_operations,
    select_cells,
)
from brpnas.metrics import regression_metrics, spearman
from brpnas.predictors import MeasuredRows, training_pool
from brpnas.predictors.baselines import baseline_predictions
from brpnas.predictors.layerwise import LayerwisePredictor
from brpnas.spaces import NasBench201

__all__ = ["measure_settings", "run"]

SEEDS = 2, 10
TRAIN, VALID, TEST, AGAIN = 250, 50, 200, 100


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of measuring and of the predictors."""
    train, valid, test, again = (16, 8, 8, 8) if quick else (TRAIN, VALID, TEST, AGAIN)
    measuring = measure_settings(settings("timing"))
    cells = select_cells(train + valid + test)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "cells.jsonl"
        first = measure_cells(cells[: train + valid], measuring, store)
        everything = measure_cells(cells, measuring, store)
        second = measure_cells(cells[:again], measuring, Path(folder) / "again.jsonl")
        with stopwatch() as seconds:
            operations = measure_operations(measuring, store, device="this", progress=False)
    layerwise = LayerwisePredictor(operations)
    predicted = layerwise.predict(bench().graphs.arch_ids)
    with training_pool(workers) as pool:
        rows = [
            row
            for seed in range(seeds)
            for row in _split(everything.rows, predicted, (train, valid), seed, quick, pool)
        ]
    return {
        "seeds": seeds,
        "machine": first.machine.__dict__,
        "settings": measuring.fingerprint(),
        "measuring": _figures(first),
        "repeatability": _repeatability(everything, second),
        "all_cells": {k: v for k, v in _figures(everything).items() if k != "seconds"},
        "operations_s": round(seconds[0], 2),
        "predictors": {
            "train": train,
            "valid": valid,
            "test": test,
            "models": by_group(pd.DataFrame(rows), "model", METRICS),
        },
    }


def measure_settings(values: dict[str, Any]) -> MeasureSettings:
    """Settings from the parameters of `timing`, for networks of the published size."""
    runtime = get_runtime(
        values["runtime"],
        provider=values["provider"],
        threads=values["threads"],
        precision=values["precision"],
    )
    protocol = Protocol(values["warmup"], values["runs"], values["repeats"])
    return MeasureSettings(runtime, protocol, NasBench201.published, values["batch_size"])


def _figures(result: MeasureResult) -> dict[str, Any]:
    return {
        "cells": len(result.rows),
        "failed": len(result.failures),
        "seconds": round(result.seconds, 1),
        "median_ms": round(float(result.rows["latency_ms"].median()), 4),
        "median_relative_std": round(
            float((result.rows["std_ms"] / result.rows["latency_ms"]).median()), 4
        ),
        "references": result.drift.references,
        "max_drift": round(result.drift.max_drift, 4),
        "median_drift": round(result.drift.median_drift, 4),
        "max_load": round(float(result.rows["load"].max()), 2),
    }


def _repeatability(first: MeasureResult, second: MeasureResult) -> dict[str, Any]:
    both = second.rows.merge(first.rows, on="arch_id", suffixes=("", "_first"))
    apart = both["latency_ms"] / both["latency_ms_first"] - 1
    return {
        "cells": len(both),
        "median_difference": round(float(apart.abs().median()), 4),
        "p90_difference": round(float(apart.abs().quantile(0.9)), 4),
        "median_shift": round(float(apart.median()), 4),
        "spearman": round(spearman(both["latency_ms"], both["latency_ms_first"]), 4),
    }


def _split(
    table: pd.DataFrame,
    layerwise: np.ndarray,
    sizes: tuple[int, int],
    seed: int,
    quick: bool,
    pool: Executor | None,
) -> list[dict[str, Any]]:
    """Figures of every model on the test cells of one split."""
    values = settings("train") | ({"epochs": 10} if quick else {})
    graphs, parts = bench().graphs, split(len(table), seed, *sizes)
    rows = graphs.rows(table["arch_id"].tolist())
    ms = table["latency_ms"].to_numpy(np.float64)
    known, test = np.concatenate(parts[:2]), parts[2]
    models = {"gcn": fit_once(table, parts, seed, values, pool).predict(graphs)}
    models |= baseline_predictions(
        graphs, bench().architectures, MeasuredRows(rows[known], ms[known])
    )
    factor = np.exp(np.median(np.log(ms[known] / layerwise[rows[known]])))
    models |= {"layerwise": layerwise, "layerwise_scaled": factor * layerwise}
    return [
        {"model": name, **regression_metrics(every[rows[test]], ms[test])}
        for name, every in models.items()
    ]
