"""`brpnas devices add` as a user types it, then the commands that its last lines name."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from brpnas.datasets import held_out
from brpnas.devices import load_devices
from brpnas.predictors.transfer import shipped_prior
from brpnas.serving import OnnxPredictor
from tests.measure.targets.board import Board, require_board
from tests.pipelines.conftest import Run
from tests.pipelines.retrain.test_search import QUICK

pytestmark = pytest.mark.slow
FAST = ("--warmup", "1", "--runs", "4", "--repeats", "2")
CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|none~2|"


@pytest.fixture
def board() -> Iterator[Board]:
    require_board()
    board = Board()
    try:
        yield board
    finally:
        board.close()


def start(project: Path, *words: str) -> subprocess.Popen[str]:
    """Start the installed command in the project."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BRPNAS_", "MLFLOW_T"))}
    command = [str(Path(sys.executable).with_name("brpnas")), *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=project, env=kept, stdout=pipe, stderr=pipe, text=True)


def brpnas(project: Path, *words: str) -> str:
    process = start(project, *words)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    return stdout


def journal(project: Path, name: str) -> list[str]:
    path = project / f"data/01_raw/measured/{name}.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def rows(project: Path, name: str) -> pd.DataFrame:
    return pd.read_parquet(project / f"data/01_raw/measured/{name}.parquet")


def test_this_machine_is_added_asked_and_listed(project: Path) -> None:
    said = brpnas(project, "devices", "add", "mine", "--cells", "10", "--test-cells", "6", *FAST)
    table = rows(project, "mine")
    test = held_out(table["arch_id"].tolist(), 0.2)
    assert (len(table), test.sum()) == (16, 6)
    pages = project / "data/08_reporting/devices/mine"
    figures = json.loads((pages / "metrics.json").read_text())
    assert figures["rows"] == {"learn": 10, "test": 6}
    facts = dict(re.findall(r"^(\S.*?) {2,}(.*)$", said, re.MULTILINE))
    assert facts["Spearman"].startswith(f"{figures['challenger']['spearman']:.3f} ")
    assert facts["coverage"].startswith(f"{figures['challenger']['coverage']:.3f} ")
    assert facts["decision"] == "refused", "6 test rows are too few"
    assert (pages / "decision.txt").read_text() in said
    client = MlflowClient(f"sqlite:///{project}/data/mlflow.db")
    (version,) = client.search_model_versions("name = 'latency-mine'")
    assert client.get_run(version.run_id).data.tags["brpnas.stage"] == "retrain"
    asked = json.loads(brpnas(project, "predict", "mine", "--json", CELL))
    served = OnnxPredictor(project / "data/06_models/devices/mine/predictor.onnx").predict([CELL])
    assert asked[0]["latency_ms"] == pytest.approx(served["latency_ms"][0])
    assert "latency-mine" in brpnas(project, "models")


def test_a_board_over_ssh_killed_on_the_way_and_searched_on(
    board: Board, project: Path, kedro: Run
) -> None:
    words = ("devices", "add", "board", "--target", board.address, "--cells", "10")
    words += ("--test-cells", "5", *FAST)
    process = start(project, *words)
    end = time.monotonic() + 300
    while len(journal(project, "board")) < 4:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before = journal(project, "board")
    before = before if before[-1].endswith("}") else before[:-1]
    said = brpnas(project, *words)
    assert journal(project, "board")[: len(before)] == before, "no row is lost or measured again"
    assert len(rows(project, "board")) == 15
    cells = [json.loads(line).get("arch_id") for line in journal(project, "board")[1:]]
    assert all(cells.count(cell) == 1 for cell in rows(project, "board")["arch_id"])
    (entry,) = load_devices(project / "data/01_raw/measured/devices.yml").values()
    assert (entry.name, entry.runtime is not None) == ("board", True)
    known = len(shipped_prior("nasbench201").devices)
    assert re.search(rf"^learnt from +10 \D+ {known} ", said, re.MULTILINE)

    logins = (board.folder / "sshd.log").read_text().count("Accepted")
    limit = float(rows(project, "board")["latency_ms"].quantile(0.8))
    timing = "timing.warmup=1,timing.runs=4,timing.repeats=2"
    done = kedro(
        "run",
        f"--params=device=board,constraints=[latency_ms <= {limit}],search.limits.source=device,"
        f"timing.target={board.address},{timing},{QUICK}",
    )
    assert done.returncode == 0, done.stderr
    assert (board.folder / "sshd.log").read_text().count("Accepted") > logins
    measured = pd.read_parquet(project / "data/07_model_output/search_measurements.parquet")
    result = json.loads((project / "data/07_model_output/search_result.json").read_text())
    timed = measured.set_index("arch_id")["latency_ms"]
    latency = timed[result["chosen"]["arch_id"]]
    assert latency <= limit
    known = result["known"]["latency_ms"]
    assert known == pytest.approx(latency), "None if predicted on another device"
    assert board.runners() == []
