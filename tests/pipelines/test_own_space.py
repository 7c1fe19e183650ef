"""The whole pipeline on a custom space: the example of docs/spaces.md, with small numbers."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest

from brpnas.spaces import NetworkConfig, get_space
from tests.pipelines.conftest import Run

FILE = "docs/examples/chain_space.py"
SMALL = [
    *("measure.cells=24", "timing.warmup=1", "timing.runs=4", "timing.repeats=2"),
    *("ingest.sample=40", "train.train_rows=10", "train.valid_rows=4", "train.epochs=3"),
    *("train.members=1", "train.workers=1", "search.budget.queries=4", "search.budget.rounds=2"),
    *("search.workers=1", "search.sampler.ranker.epochs=3", "network_training.epochs=1"),
    *("network_training.workers=1", "train_candidates.cells=3", "measure.drift_limit=100"),
]


@pytest.mark.slow
def test_from_measuring_to_onnx(kedro: Run, project: Path, repository: Path) -> None:
    shutil.copytree(repository / "docs/examples", project / "docs/examples")
    space = get_space(str(repository / FILE))
    settings = project / "conf" / "chain" / "parameters_ingest.yml"
    settings.write_text(settings.read_text().replace("[measured]", "[measured, trained]"))

    def run(pipelines: str, *more: str) -> None:
        params = ",".join((*SMALL, *more))
        done = kedro("run", "--env=chain", f"--pipelines={pipelines}", f"--params={params}")
        assert done.returncode == 0, done.stderr

    run("measure,ingest,featurise,train")
    workspace = project / "data" / "chain"
    measured = pd.read_parquet(workspace / "01_raw/measured/this-machine.parquet")
    assert len(measured) == 24
    architectures = pd.read_parquet(workspace / "03_primary/architectures.parquet")
    assert set(architectures["space"]) == {FILE}
    assert set(measured["arch_id"]) < set(architectures["arch_id"])
    assert 40 <= len(architectures) <= 24 + 40

    run("search,export,evaluate")
    result = json.loads((workspace / "07_model_output/search_result.json").read_text())
    chosen = result["chosen"]
    task = result["task"]
    assert (task["space"], result["queries"], result["failed"]) == (FILE, 4, 0)
    assert space.canonical(chosen["arch_id"]) == chosen["arch_id"]
    assert task["constraints"] == ["flops_m <= 0.6"], "the limit of the environment"
    size = NetworkConfig(8, 1, 3, (1, 8, 8), 10, executes_dead_ops=False)
    params, flops = space.cost([chosen["arch_id"]], size)
    assert flops[0] <= 0.6e6
    assert chosen["params_m"] == pytest.approx(params[0] / 1e6)
    assert chosen["flops_m"] == pytest.approx(flops[0] / 1e6)
    evaluation = json.loads((workspace / "08_reporting/network_evaluation.json").read_text())
    assert evaluation["latency"]["latency_ms"] > 0, "measured at the end"
    assert result["held_out"]["test_accuracy"] is not None, "trained networks are tested"
    page = (workspace / "08_reporting/report.html").read_text()
    assert chosen["arch_id"] in page
    session = ort.InferenceSession(str(workspace / "06_models/onnx/network.onnx"))
    (logits,) = session.run(None, {"image": np.zeros((2, 1, 8, 8), np.float32)})
    assert logits.shape == (2, 10)

    run("train_candidates")
    table = pd.read_parquet(workspace / "01_raw/trained/digits.parquet")
    assert len(table) == 2 * 3
    run("ingest")
    accuracy = pd.read_parquet(workspace / "03_primary/accuracy.parquet")
    assert set(accuracy["dataset"]) == {"digits"}
    assert set(table["arch_id"]) <= set(accuracy["arch_id"])


@pytest.mark.slow
def test_a_benchmark_of_another_space_is_refused(
    kedro: Run, project: Path, repository: Path
) -> None:
    shutil.copytree(repository / "docs/examples", project / "docs/examples")
    done = kedro("run", f"--params=space={FILE}")
    assert done.returncode == 1
    assert re.search(rf"'embedded'.*'nasbench201'.*'{re.escape(FILE)}'", done.stderr)
    assert "Traceback" not in done.stderr
    missing = kedro("run", "--env=chain", "--params=space=docs/examples/none.py")
    assert missing.returncode == 1
    assert "'docs/examples/none.py'" in missing.stderr
    assert not (project / "data" / "chain").exists()
