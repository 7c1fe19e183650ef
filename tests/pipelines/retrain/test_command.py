"""`kedro run --pipelines=retrain` and `brpnas promote` as the owner of a device types them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.pipelines.conftest import Run
from tests.pipelines.retrain.toys import table

QUICK = "adaptation.steps=15,adaptation.network_rows=1000,adaptation.workers=1"


def brpnas(project: Path, *words: str) -> str:
    """Run the installed command in the project; return its output."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BRPNAS_", "MLFLOW_T"))}
    command = [str(Path(sys.executable).with_name("brpnas")), *words]
    done = subprocess.run(
        command, cwd=project, env=kept, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def retrain(kedro: Run, device: str) -> subprocess.CompletedProcess[str]:
    return kedro("run", "--pipelines=retrain", f"--params=device={device},{QUICK}")


@pytest.mark.slow
def test_from_a_file_to_a_champion(kedro: Run, project: Path) -> None:
    devices = project / "data" / "01_raw" / "devices"
    devices.mkdir(parents=True)
    table(200).to_csv(devices / "board.csv", index=False)
    done = retrain(kedro, "board")
    assert done.returncode == 0, done.stderr
    assert "200 cells" in done.stdout + done.stderr
    client = MlflowClient(f"sqlite:///{project}/data/mlflow.db")
    (version,) = client.search_model_versions("name = 'latency-board'")
    run = client.get_run(version.run_id)
    assert (run.info.status, run.data.tags["brpnas.stage"]) == ("FINISHED", "retrain")
    assert run.data.metrics["retrain_report.challenger.spearman"] > 0.9
    assert run.data.metrics["retrain_report.rows.learn"] > 140
    logged = {file.path for file in client.list_artifacts(version.run_id, "retrain/board")}
    pages = {file.name for file in (project / "data/08_reporting/devices/board").iterdir()}
    assert logged == {f"retrain/board/{name}" for name in pages}
    assert pages == {"report.md", "plot.png", "metrics.json"}

    assert "decision    promoted" in brpnas(project, "promote", "latency-board")
    assert "latency-board" in brpnas(project, "models")


@pytest.mark.slow
def test_what_is_refused_leaves_no_file_and_no_version(kedro: Run, project: Path) -> None:
    devices = project / "data" / "01_raw" / "devices"
    devices.mkdir(parents=True)
    table(30).assign(latency_ms=-1.0).to_csv(devices / "board.csv", index=False)
    for device, message in {
        "board": "devices/board.csv ",
        "bord": "'board'?",
    }.items():
        done = retrain(kedro, device)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert message in done.stderr
    left = {file.name for file in (project / "data").rglob("*") if file.is_file()}
    assert left == {"board.csv", "mlflow.db", "mlflow.db.lock"}
    client = MlflowClient(f"sqlite:///{project}/data/mlflow.db")
    assert not client.search_registered_models()
