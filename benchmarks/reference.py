"""The published recipe of the latency predictor, on the rows of `python -m benchmarks latency`.

The same five devices, training and validation cells and test rows for each seed; the recipe is in
`benchmarks.published` (float64, width 600, pruned graphs, one thread). A fit takes minutes: the
default is two seeds.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from benchmarks.data import bench, stopwatch
from benchmarks.figures import by_group
from benchmarks.latency import DEVICES, split
from benchmarks.published import PublishedLatency
from benchmarks.tasks import Task, run_tasks
from brpnas.metrics import regression_metrics

__all__ = ["run"]

SEEDS = 1, 2
CODE = ("benchmarks/published.py",)
SHOWN = ("within_1", "within_5", "within_10", "spearman", "kendall", "mape", "fit_s", "epochs")


def fit_published(task: Task) -> dict[str, float]:
    """One fit, and its figures on the test rows."""
    tables = bench()
    table = tables.latency(DEVICES[task["device"]])
    graphs = tables.graphs.view("pruned")[tables.graphs.rows(table["arch_id"].tolist())]
    latency = table["latency_ms"].to_numpy()
    train, valid, test = split(len(table), task["seed"])
    torch.manual_seed(task["seed"])
    predictor = PublishedLatency(graphs.num_ops, task["hidden"])
    with stopwatch() as seconds:
        epochs = predictor.fit(
            (graphs[train], latency[train]), (graphs[valid], latency[valid]), task["epochs"]
        )
    figures = regression_metrics(predictor.predict(graphs[test]), latency[test])
    return {**figures, "fit_s": seconds[0], "epochs": float(epochs)}


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures by device."""
    size = {"hidden": 60, "epochs": 3} if quick else {"hidden": 600, "epochs": 250}
    tasks = [
        {"device": device, "seed": seed, **size}
        for seed in range(seeds)
        for device in (list(DEVICES)[:2] if quick else DEVICES)
    ]
    done = run_tasks("reference", fit_published, tasks, {}, workers, code=(*CODE, split))
    rows = pd.DataFrame([{**d.task, **d.result} for d in done])
    return {"seeds": seeds, "devices": by_group(rows, "device", SHOWN)}
