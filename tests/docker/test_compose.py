"""The whole pipeline under Compose, tracked by a server upon PostgreSQL; and a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient

from pipelines.pipeline_registry import STAGES
from tests.docker.engine import PATIENCE_S, REVISION, Composed, output, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.slow]

CELLS = 16
RUNS = (
    "select t.value, r.status from runs r join tags t on t.run_uuid = r.run_uuid"
    " where t.key = 'brpnas.stage' order by r.start_time"
)


@pytest.fixture
def standing(composed: Composed) -> Iterator[Composed]:
    with composed.standing():
        yield composed


def test_the_whole_pipeline(standing: Composed) -> None:
    done = standing.run("up", "--detach", "--no-build")
    assert done.returncode == 0, done.stdout + done.stderr
    for stage in STAGES:
        (container,) = standing.containers(stage)
        code = output("docker", "wait", container)
        assert code == "0", standing.run("logs", stage).stdout
    assert standing.ask(RUNS) == [[stage, "FINISHED"] for stage in STAGES]
    revisions = standing.ask("select distinct value from tags where key = 'git.commit'")
    assert revisions == [[REVISION]]

    data = standing.project.data
    owner = int(standing.variables["BRPNAS_UID"])
    assert {path.stat().st_uid for path in data.rglob("*")} == {owner}
    assert not (data / "mlflow.db").exists(), "the server alone tracks"

    address = standing.run("port", "mlflow", "5000", timeout=60).stdout.strip()
    client = MlflowClient(f"http://{address}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "brpnas"]
    (run,) = client.search_runs(
        [experiment.experiment_id], "tags.`brpnas.stage` = 'evaluate'", max_results=5
    )
    place = data.parent / "downloaded"
    place.mkdir()
    artifacts = {item.path for item in client.list_artifacts(run.info.run_id)}
    (report,) = [name for name in artifacts if name.endswith(".html")]
    copy = Path(client.download_artifacts(run.info.run_id, report, str(place)))
    assert copy.read_bytes() == (data / "08_reporting" / "report.html").read_bytes()

    promoted = standing.run("run", "--rm", "-T", "promote")
    assert promoted.returncode == 0, promoted.stdout + promoted.stderr
    assert standing.ask(RUNS)[-1] == ["promote", "FINISHED"]
    assert standing.ask("select count(*) from model_versions") != [["0"]]


def test_a_worker_of_the_cluster_is_killed(standing: Composed) -> None:
    project = standing.project
    up = standing.run(
        "up", "--detach", "--no-build", "--scale", "worker=2", "scheduler", "worker", "mlflow"
    )
    assert up.returncode == 0, up.stdout + up.stderr
    workers = standing.containers("worker")
    assert len(workers) == 2
    joined = (
        f"train_candidates.cells={CELLS},network_training.epochs=6,"
        "network_training.scheduler=tcp://scheduler:8786"
    )
    with standing.started("run", "-T", "train_candidates", f"--params={joined}") as (process, log):
        wait_for(lambda: len(project.answers) >= 2, process)
        output("docker", "kill", workers[0], timeout=60)
        before = len(project.answers)
        assert process.wait(PATIENCE_S) == 0, log.read_text()
    assert 2 <= before < CELLS, "it died in the middle"
    report = project.json("08_reporting/train_candidates_report.json")
    assert (report["trained"], report["failed"]) == (CELLS, [])
    table = pd.read_parquet(project.data / "01_raw" / "trained" / "digits.parquet")
    assert len(table) == 2 * CELLS
    assert standing.ask(RUNS) == [["train_candidates", "FINISHED"]]
