"""A search from scratch on this machine: measure, train a predictor, search by training, export.

The environment ``conf/live`` in a fresh copy of the project: 150 cells measured, 40 networks
trained on the digits under a latency limit, the winner exported and measured. Seconds are of one
`kedro run` with all stages, start included. ``error`` is predicted over measured latency of the
winner, minus 1. Run it on an idle machine.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import ROOT, Benchmark

__all__ = ["run"]

_STAGES = "measure,ingest,featurise,train,search,export,evaluate"
_QUICK = {
    "measure.cells": 30,
    "train.train_rows": 18,
    "train.valid_rows": 6,
    "search.budget.queries": 6,
    "search.budget.rounds": 2,
    "network_training.epochs": 2,
}


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Print each search and return the figures."""
    del bench  # everything is made here
    print(__doc__)
    searches = []
    for seed in range(seeds or (1 if quick else 3)):
        values: dict[str, object] = {
            "search.seed": seed,
            "train.seed": seed,
            "measure.seed": seed,
            "network_training.workers": workers,
            **(_QUICK if quick else {}),
        }
        with tempfile.TemporaryDirectory() as folder:
            searches.append(_search(Path(folder), values))
        print(f"seed {seed}: " + ", ".join(f"{k} {v}" for k, v in searches[-1].items()))
    return {
        "seeds": len(searches),
        "seconds": _spread([s["seconds"] for s in searches]),
        "abs_error": _spread([abs(s["error"]) for s in searches]),
        "test_accuracy": _spread([s["test_accuracy"] for s in searches]),
        "searches": searches,
    }


def _search(project: Path, values: dict[str, object]) -> dict[str, Any]:
    for folder in ("conf", "pipelines"):
        ignored = shutil.ignore_patterns("__pycache__", "local")
        shutil.copytree(ROOT / folder, project / folder, ignore=ignored)
    for file in ("pyproject.toml", "kedro.yml"):
        shutil.copy(ROOT / file, project / file)
    (project / "conf" / "local").mkdir()
    (project / "data").mkdir()
    parameters = ",".join(f"{name}={value}" for name, value in values.items())
    command = [sys.executable, "-m", "kedro", "run", "--env=live", f"--pipelines={_STAGES}"]
    began = time.perf_counter()
    subprocess.run(
        [*command, f"--params={parameters}"],
        cwd=project,
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "KEDRO_DISABLE_TELEMETRY": "1", "PYTHONPATH": str(ROOT)},
    )
    seconds = time.perf_counter() - began
    out = project / "data" / "live"
    read = lambda path: json.loads((out / path).read_text("utf-8"))  # noqa: E731
    found, measured = (
        read("07_model_output/search_result.json"),
        read("08_reporting/measure_report.json"),
    )
    trained = read("07_model_output/train_metrics.json")
    delivered = read("08_reporting/network_evaluation.json")["test"]
    chosen = found["chosen"]
    return {
        "seconds": round(seconds, 1),
        "cells_measured": measured["cells"],
        "max_drift": round(measured["reference"]["max_drift"], 4),
        "networks_trained": found["queries"],
        "failed": found["failed"],
        "constraints": found["task"]["constraints"],
        "predicted_ms": round(chosen["predicted_latency_ms"], 5),
        "measured_ms": round(chosen["latency_ms"], 5),
        "error": round(chosen["predicted_latency_ms"] / chosen["latency_ms"] - 1, 4),
        "valid_accuracy": round(found["known"]["valid_accuracy"], 4),
        "test_accuracy": round(delivered["accuracy"], 4),
        "test_balanced_accuracy": round(delivered["balanced_accuracy"], 4),
        "spearman_latency": round(trained["metrics"][trained["model"]]["spearman"], 4),
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 4),
        "min": round(min(values), 4),
        "max": round(max(values), 4),
    }
