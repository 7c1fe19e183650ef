"""Searches with inputs of different network sizes: refused before any training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.project import Project

__all__ = ["sizes_that_differ"]

SMALL = (
    "measure.cells=12,timing.warmup=1,timing.runs=2,timing.repeats=2,"
    "train.train_rows=6,train.valid_rows=2,train.epochs=2"
)
CHANGES = {
    "channels": "network.channels=8",
    "cells": "network.cells_per_stage=1",
    "stages": "network.stages=2",
}
"""Changes between measuring and the search."""


def sizes_that_differ(folder: Path) -> dict[str, Any]:
    """Measure at one size, then search at others; count trained networks."""
    project = Project(folder / "project")
    measure = ["kedro", "run", "--env=live", "--pipelines=measure,ingest,featurise,train"]
    project.run([*measure, f"--params={SMALL}"]).checked()
    refused, trainings, said = 0, 0, {}
    for name, change in CHANGES.items():
        ended = project.run(
            ["kedro", "run", "--env=live", "--pipelines=search", f"--params={change}"]
        )
        refused += ended.code != 0 and not ended.traceback
        store = project.root / "data" / "live" / "07_model_output" / "store"
        trainings += len(list(store.rglob("*.safetensors")))
        said[name] = ended.last
        print(f"{name}: exit {ended.code}, {ended.last}")
    return {"kinds": len(CHANGES), "refused": refused, "trainings": trainings, "said": said}
