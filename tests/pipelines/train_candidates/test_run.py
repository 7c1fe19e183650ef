"""`kedro run --pipelines=train_candidates` as a user types it, killed and run again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from brpnas.candidates import ImageSource, JobConfig, train_architecture
from brpnas.datasets.schemas import ACCURACY, validate
from brpnas.spaces.select import select_cells
from tests.candidates.small import digits
from tests.fanout.clusters import running_cluster
from tests.pipelines.conftest import Run

SMALL = {"train_candidates.cells": 12, "network_training.epochs": 2}
GROUPS = {
    "cells": "train_candidates.cells",
    "scheduler": "network_training.scheduler",
    "workers": "network_training.workers",
}
SIZE = {"channels": 4, "cells_per_stage": 1, "stages": 2}
CELLS = select_cells(12, distinct=True)
TRAINING = JobConfig(channels=4, cells_per_stage=1, stages=2, epochs=2)


def arguments(images: str = "digits", **more: object) -> list[str]:
    size = {f"network.{key}": value for key, value in SIZE.items()}
    given = {GROUPS[key]: value for key, value in more.items()}
    values = {"images.path": images} | size | SMALL | given
    params = ",".join(f"{key}={value}" for key, value in values.items())
    return ["run", "--pipelines=train_candidates", f"--params={params}"]


def trained(store: Path) -> list[tuple[str, int]]:
    rows = [json.loads(line) for line in store.read_text().splitlines()]
    return [(row["arch_id"], row["seed"]) for row in rows if "arch_id" in row]


@pytest.mark.slow
def test_killed_and_run_again(kedro: Run, project: Path) -> None:
    folder = project / "data" / "07_model_output" / "store"
    command = [sys.executable, "-m", "kedro", *arguments()]
    log = (project / "killed.log").open("w")
    with log, subprocess.Popen(command, cwd=project, stdout=log, stderr=log) as process:
        while process.poll() is None and not any(map(trained, folder.glob("*.jsonl"))):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    (store,) = folder.glob("*.jsonl")
    before = trained(store)
    assert 1 <= len(before) < 12, (project / "killed.log").read_text()
    done = kedro(*arguments())
    assert done.returncode == 0, done.stderr
    assert "12 networks of 12 cells, 0 failed" in done.stdout + done.stderr
    assert trained(store)[: len(before)] == before
    assert sorted(trained(store)) == sorted((cell, 0) for cell in CELLS), "each of them once"

    table = pd.read_parquet(project / "data" / "01_raw" / "trained" / "digits.parquet")
    assert validate(table, ACCURACY, origin="x").equals(table)
    accuracy = table.set_index(["arch_id", "split"])["accuracy"]
    data = ImageSource().load()
    for arch_id in CELLS[:4]:
        alone = train_architecture(arch_id, 0, data, TRAINING)
        assert accuracy[arch_id, "valid"] == alone.valid_accuracy
        assert accuracy[arch_id, "test"] == alone.test_accuracy
    path = project / "data" / "08_reporting" / "train_candidates_report.json"
    report = json.loads(path.read_text())
    assert (report["dataset"], report["trained"], report["failed"]) == ("digits", 12, [])

    client = MlflowClient(f"sqlite:///{project}/data/mlflow.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    logged = {name for run in runs for name in run.data.metrics}
    report_metrics = {"accuracy.valid.median", "seconds.training", "trained"}
    assert {f"train_candidates_report.{name}" for name in report_metrics} <= logged


@pytest.mark.slow
def test_images_of_ones_own_beside_those_of_others(kedro: Run, project: Path) -> None:
    mine = "data/01_raw/mine.npz"
    refused = kedro(*arguments(mine))
    assert refused.returncode == 1
    assert re.search(rf"Error: .*{mine}\. images\.path", " ".join(refused.stderr.split()))
    assert "Traceback" not in refused.stderr
    folder = project / "data" / "01_raw"
    (folder / "trained").mkdir(parents=True)
    (folder / "trained" / "other.parquet").write_bytes(b"left alone")
    pixels, labels = digits(90)
    np.savez(folder / "mine.npz", images=pixels, labels=labels)
    done = kedro(*arguments(mine, cells=2, workers=1))
    assert done.returncode == 0, done.stderr
    assert "--params=dataset=mine" in done.stdout + done.stderr
    assert (folder / "trained" / "other.parquet").read_bytes() == b"left alone"
    assert len(pd.read_parquet(folder / "trained" / "mine.parquet")) == 4


@pytest.mark.slow
def test_a_dask_cluster_trains_the_same(kedro: Run, project: Path, tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    with running_cluster(tmp_path / "cluster", workers=1) as cluster:
        done = kedro(*arguments(cells=3, scheduler=cluster.address))
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(project / "data" / "01_raw" / "trained" / "digits.parquet")
    accuracy = table.set_index(["arch_id", "split"])["accuracy"]
    assert len(table) == 6
    for arch_id in CELLS[:3]:
        alone = train_architecture(arch_id, 0, ImageSource().load(), TRAINING)
        assert accuracy[arch_id, "valid"] == alone.valid_accuracy
