"""The published recipe of the latency predictor, on the rows of `python -m benchmarks latency`.

The same five devices, training and validation cells and test rows for each seed; the recipe is in
`benchmarks.published` (float64, width 600, pruned graphs, one thread). A fit takes minutes: the
default is two seeds.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import torch

from benchmarks.data import Benchmark, stopwatch
from benchmarks.latency import DEVICES, split
from benchmarks.published import PublishedLatency
from benchmarks.queries import bench
from benchmarks.tasks import Task, run_tasks
from brpnas.metrics import regression_metrics

__all__ = ["run"]

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


def run(bench: Benchmark, *, quick: bool, seeds: int | None, workers: int) -> dict[str, Any]:
    """Print the table and return its figures."""
    seeds = seeds or (1 if quick else 2)
    print(__doc__)
    size = {"hidden": 60, "epochs": 3} if quick else {"hidden": 600, "epochs": 250}
    tasks = [
        {"device": device, "seed": seed, **size}
        for seed in range(seeds)
        for device in (list(DEVICES)[:2] if quick else DEVICES)
    ]
    done = run_tasks("reference", fit_published, tasks, {}, workers, code=(*CODE, split))
    rows = pd.DataFrame([{**d.task, "fit_epochs": d.result["epochs"], **d.result} for d in done])
    by_device = rows.groupby("device", sort=False)[list(SHOWN)]
    mean, spread = by_device.mean(), by_device.std(ddof=1).fillna(0.0)
    print(mean.to_string())
    return {
        "seeds": seeds,
        "devices": {
            str(device): {
                key: [
                    round(float(mean.loc[device, key]), 4),
                    round(float(spread.loc[device, key]), 4),
                ]
                for key in SHOWN
            }
            for device in mean.index
        },
    }
