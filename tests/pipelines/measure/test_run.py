"""`kedro run --pipelines=measure` as a user types it, killed and run again."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from brpnas.devices import load_devices
from tests.pipelines.conftest import Run

SMALL = {
    "measure.cells": 12,
    "measure.device": "mine",
    "measure.reference_every": 4,
    "timing.warmup": 1,
    "timing.runs": 4,
    "timing.repeats": 2,
}
NETWORK = {"network.channels": 4, "network.cells_per_stage": 1}


def arguments(**more: object) -> list[str]:
    given = {key.replace("_", ".", 1): value for key, value in more.items()}
    values = SMALL | given | NETWORK
    params = ",".join(f"{key}={value}" for key, value in values.items())
    return ["run", "--pipelines=measure", f"--params={params}"]


def cells(store: Path) -> list[str]:
    rows = [json.loads(line) for line in store.read_text().splitlines()]
    return [row["arch_id"] for row in rows if row["event"] == "cell"]


@pytest.mark.slow
def test_killed_and_run_again(kedro: Run, project: Path) -> None:
    folder = project / "data" / "07_model_output" / "store"
    command = [sys.executable, "-m", "kedro", *arguments()]
    log = (project / "killed.log").open("w")
    with log, subprocess.Popen(command, cwd=project, stdout=log, stderr=log) as process:
        while process.poll() is None and not any(map(cells, folder.glob("*.jsonl"))):
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    (store,) = folder.glob("*.jsonl")
    before = cells(store)
    assert 1 <= len(before) < 12, (project / "killed.log").read_text()
    done = kedro(*arguments())
    assert done.returncode == 0, done.stderr
    assert "12 measured, 0 failed" in done.stdout + done.stderr
    (command,) = re.findall(r"^(kedro run .*device=mine)$", done.stdout + done.stderr, re.MULTILINE)
    assert cells(store)[: len(before)] == before
    assert len(cells(store)) == len(set(cells(store))) == 12

    measured = project / "data" / "01_raw" / "measured"
    other = pd.DataFrame({"arch_id": ["x"]})
    other.to_parquet(measured / "other.parquet")
    again = kedro(*arguments(timing_runtime="torch", measure_cells=2, measure_device="eager"))
    assert again.returncode == 0, again.stderr
    assert {file.name for file in measured.iterdir() if file.suffix != ".lock"} == {
        "devices.yml",
        "eager.parquet",
        "mine.parquet",
        "operations",
        "other.parquet",
    }
    alone = {file.stem: pd.read_parquet(file) for file in (measured / "operations").iterdir()}
    assert {name: set(table["device"]) for name, table in alone.items()} == {
        "eager": {"eager"},
        "mine": {"mine"},
    }
    assert len(pd.read_parquet(measured / "mine.parquet")) == 12
    assert list(load_devices(measured / "devices.yml")) == ["mine", "eager"]
    assert shlex.split(command)[2:] == [
        "--pipelines=ingest,featurise,train",
        "--params=network.channels=4,network.cells_per_stage=1,device=mine",
    ]
    report = json.loads((project / "data" / "08_reporting" / "measure_report.json").read_text())
    assert (report["device"], report["cells"]) == ("eager", 2)

    client = MlflowClient(f"sqlite:///{project}/data/mlflow.db")
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    logged = {name for run in runs for name in run.data.metrics}
    assert {"measure_report.latency_ms.median", "measure_report.reference.max_drift"} <= logged


@pytest.mark.slow
def test_a_missing_provider_is_one_paragraph(kedro: Run, project: Path) -> None:
    done = kedro(*arguments(timing_provider="Foo"))
    assert done.returncode == 1
    assert "'FooExecutionProvider'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / "data" / "01_raw" / "measured").exists()
