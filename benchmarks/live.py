"""A search from scratch on this machine: measure, train a predictor, search by training, export.

The environment ``conf/live`` in a fresh copy of the project: 150 cells measured, 40 networks
trained on the digits under a latency limit, the winner exported and measured. Seconds are of one
`kedro run` with all stages, start included. ``error`` is predicted over measured latency of the
winner, minus 1. Run it on an idle machine.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.figures import three
from benchmarks.project import Project
from pipelines.predicted import of_task

__all__ = ["run"]

SEEDS = 1, 3
_STAGES = "measure,ingest,featurise,train,search,export,evaluate"
_QUICK = {
    "measure.cells": 30,
    "train.train_rows": 18,
    "train.valid_rows": 6,
    "search.budget.queries": 6,
    "search.budget.rounds": 2,
    "network_training.epochs": 2,
}


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of each search."""
    searches = []
    for seed in range(seeds):
        values: dict[str, object] = {
            "search.seed": seed,
            "train.seed": seed,
            "measure.seed": seed,
            "network_training.workers": workers,
            **(_QUICK if quick else {}),
        }
        with tempfile.TemporaryDirectory() as folder:
            searches.append(_search(Path(folder), values))
    return {
        "seeds": len(searches),
        "seconds": three([s["seconds"] for s in searches]),
        "abs_error": three([abs(s["error"]) for s in searches]),
        "test_accuracy": three([s["test_accuracy"] for s in searches]),
        "searches": searches,
    }


def _search(folder: Path, values: dict[str, object]) -> dict[str, Any]:
    project = Project(folder / "project")
    parameters = ",".join(f"{name}={value}" for name, value in values.items())
    command = ["kedro", "run", "--env=live", f"--pipelines={_STAGES}", f"--params={parameters}"]
    ended = project.run(command).checked()
    out = project.root / "data" / "live"
    read = lambda path: json.loads((out / path).read_text("utf-8"))  # noqa: E731
    found, measured = (
        read("07_model_output/search_result.json"),
        read("08_reporting/measure_report.json"),
    )
    trained = of_task(read("07_model_output/train_metrics.json"))
    network = read("08_reporting/network_evaluation.json")
    delivered, latency = network["test"], network["latency"]
    return {
        "seconds": round(ended.seconds, 1),
        "cells_measured": measured["cells"],
        "max_drift": round(measured["reference"]["max_drift"], 4),
        "networks_trained": found["queries"],
        "failed": found["failed"],
        "constraints": found["task"]["constraints"],
        "predicted_ms": round(latency["predicted_latency_ms"], 5),
        "measured_ms": round(latency["latency_ms"], 5),
        "error": round(latency["latency_error"], 4),
        "valid_accuracy": round(found["known"]["valid_accuracy"], 4),
        "test_accuracy": round(delivered["accuracy"], 4),
        "test_balanced_accuracy": round(delivered["balanced_accuracy"], 4),
        "spearman_latency": round(trained["metrics"][trained["model"]]["spearman"], 4),
    }
