"""Training protocol of NB201-Digits: network and schedule with the best agreement of two seeds.

Random cells of different functions (60, or 6 with ``--quick``), each trained with two seeds under
each of some settings, in the printed order. The settings of conf/embedded were chosen by this,
before any search on it. Figures are of validation accuracy: Spearman of the two seeds over all
cells, and over the half with the better mean test accuracy; standard deviation of a training, in
points; quantiles of the cells' means; seconds of a training on one thread.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from benchmarks.data import ROOT
from brpnas.candidates import (
    ImageSource,
    JobConfig,
    TrainingJob,
    accuracy_table,
    train_jobs,
)
from brpnas.datasets.noise import seed_noise
from brpnas.fanout import get_engine
from brpnas.metrics import spearman
from brpnas.spaces.select import select_cells

__all__ = ["run"]

SEEDS = 2, 2
_CELL = {"stages": 1, "cells_per_stage": 1}
SETTINGS: tuple[dict[str, Any], ...] = (
    {"channels": 4, "stages": 2, "cells_per_stage": 2, "epochs": 6},
    {"channels": 4, "stages": 2, "cells_per_stage": 1, "epochs": 6},
    {"channels": 8, "stages": 1, "cells_per_stage": 2, "epochs": 8, "learning_rate": 0.05},
    {"channels": 8, **_CELL, "epochs": 8},
    {"channels": 8, **_CELL, "epochs": 12},
    {"channels": 8, **_CELL, "epochs": 12, "batch_size": 64, "learning_rate": 0.2},
    {"channels": 16, **_CELL, "epochs": 10, "batch_size": 64, "learning_rate": 0.2},
    {"channels": 16, **_CELL, "epochs": 8},
)
"""Differences from the defaults of `JobConfig`; the last is conf/embedded."""


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of each setting, of two seeds or more."""
    seeds = max(2, seeds)
    cells = select_cells(6 if quick else 60, distinct=True)
    jobs = [TrainingJob(cell, seed) for seed in range(seeds) for cell in cells]
    rows = []
    for changed in SETTINGS:
        config = JobConfig(**changed)
        with tempfile.TemporaryDirectory() as folder, get_engine(workers) as engine:
            runs = train_jobs(
                jobs, ImageSource(), config, Path(folder), engine=engine, progress=False
            )
        table = accuracy_table(runs, "digits", config.epochs)
        rows.append({"settings": config.settings(), **_figures(table)})
    folder = ROOT / "conf" / "embedded"
    size, training = (
        yaml.safe_load((folder / f"parameters_{name}.yml").read_text("utf-8"))
        for name in ("ingest", "train_candidates")
    )
    shipped = {**size["network"], **training["network_training"]}
    return {"cells": len(cells), "seeds": seeds, "settings": rows, "shipped": shipped}


def _figures(table: pd.DataFrame) -> dict[str, Any]:
    mean = table.groupby(["split", "arch_id"])["accuracy"].mean()
    better = mean["test"].nlargest(len(mean["test"]) // 2).index
    valid = table[table["split"] == "valid"].pivot_table(
        index="arch_id", columns="seed", values="accuracy"
    )
    noise = seed_noise(table, "digits", "valid")
    return {
        "spearman": round(noise["pairs"][0]["spearman"], 3),
        "spearman_better_half": round(spearman(valid.loc[better, 0], valid.loc[better, 1]), 3),
        "sd": round(noise["sd"], 4),
        "quantiles": [round(float(mean["valid"].quantile(q)), 3) for q in (0, 0.1, 0.5, 0.9, 1)],
        "seconds": round(float(table["train_time_s"].median()), 2),
    }
