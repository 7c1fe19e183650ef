"""Trainings to be killed: ``python -m tests.candidates.killed_training STORE WORKERS``."""

from __future__ import annotations

import sys
from pathlib import Path

from brpnas.candidates import ImageSource, TrainingJob, train_jobs
from brpnas.fanout import get_engine
from brpnas.spaces.select import select_cells
from tests.candidates.small import small

CANDIDATES = [TrainingJob(arch_id, seed) for seed in (0, 1) for arch_id in select_cells(6)]
SETTINGS = small(epochs=1)

if __name__ == "__main__":
    with get_engine(int(sys.argv[2])) as engine:
        train_jobs(
            CANDIDATES, ImageSource(), SETTINGS, Path(sys.argv[1]), engine=engine, progress=False
        )
