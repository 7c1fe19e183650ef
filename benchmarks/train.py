"""Training jobs on the digits: seconds, noise between seeds, and the cost of a crash.

1. Seconds of a training and agreement of two seeds: of NB201-Digits, the embedded benchmark, or
   with ``--quick`` of a few cells trained now, by conf/base/parameters_train_candidates.yml.
2. Small jobs of measuring, training and searching, each in a process that is killed with SIGKILL at
   random moments and resumed to the end. A resumed result is equal if it has the same cells, and
   bit by bit the same accuracies and queries as an undisturbed job; measured latencies differ from
   run to run, and stay as first stored. ``--seeds`` is the number of kills.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.data import job_config
from benchmarks.figures import three
from benchmarks.killed import JOBS, kill_and_resume
from brpnas.candidates import (
    ImageSource,
    TrainingJob,
    accuracy_table,
    train_jobs,
)
from brpnas.datasets import read_embedded_accuracy
from brpnas.datasets.noise import seed_noise
from brpnas.fanout import get_engine
from brpnas.spaces.select import select_cells

__all__ = ["run"]

SEEDS = 3, 20
DATASET, CELLS = "digits", 12


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of both parts; ``seeds`` are the kills."""
    training = _figures(_train_some(workers) if quick else read_embedded_accuracy())
    crashes = {job: kill_and_resume(job, seeds, seed=n) for n, job in enumerate(JOBS)}
    sound = all(
        c["equal"] == c["jobs"] and c["kept"] and c["most_per_kill"] <= 1 for c in crashes.values()
    )
    return {"source": "trained now" if quick else "embedded", "training": training,
            "killed": crashes, "sound": sound}  # fmt: skip


def _train_some(workers: int) -> pd.DataFrame:
    config = job_config()
    cells = select_cells(CELLS, distinct=True)
    jobs = [TrainingJob(arch_id, seed) for seed in (0, 1) for arch_id in cells]
    with tempfile.TemporaryDirectory() as folder, get_engine(workers) as engine:
        runs = train_jobs(jobs, ImageSource(), config, Path(folder), engine=engine)
    return accuracy_table(runs, DATASET, config.epochs)


def _figures(table: pd.DataFrame) -> dict[str, Any]:
    valid = table[table["split"] == "valid"]
    return {
        "trainings": len(valid),
        "cells": int(valid["arch_id"].nunique()),
        "seconds": three(valid["train_time_s"], 3),
        "accuracy": {
            split: {
                name: round(float(part["accuracy"].quantile(share)), 4)
                for name, share in {"min": 0, "median": 0.5, "max": 1}.items()
            }
            for split, part in table.groupby("split")
        },
        "noise": {split: seed_noise(table, DATASET, split) for split in ("valid", "test")},
    }
