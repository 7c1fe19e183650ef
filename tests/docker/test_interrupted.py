"""A search in a container that is stopped or killed goes on where it was."""

from __future__ import annotations

import signal
import sqlite3
from typing import Any

import pandas as pd
import pytest
from safetensors import safe_open

from brpnas.spaces import NetworkConfig
from tests.docker.engine import Project, command, wait_for

pytestmark = [pytest.mark.docker, pytest.mark.slow]

BUDGET = 10
ARGUMENTS = [
    f"--params=search.oracle.name=train,search.budget.queries={BUDGET},search.budget.rounds=5,search.seed=1,"
    "network_training.epochs=4,network_training.workers=1"
]
SIZE = NetworkConfig(4, 1, 2, input_shape=(1, 8, 8), classes=10).size
"""Of the networks trained by `SMALL` on digits."""
TIMES = ["asked_at", "cost_s", "train_time_s"]


def with_latency_of_its_size(project: Project) -> Project:
    """The project as if the device had been measured with the networks that it trains."""
    path = project.data / "07_model_output" / "predictions.parquet"
    pd.read_parquet(path).assign(network_size=SIZE).to_parquet(path)
    return project


def results(project: Project) -> dict[str, Any]:
    """Outputs of a search, without times."""
    found: dict[str, Any] = {"result": project.json("07_model_output/search_result.json")}
    for name in ("search_history", "oracle_accuracy"):
        table = pd.read_parquet(project.data / "07_model_output" / f"{name}.parquet")
        found[name] = table.drop(columns=TIMES, errors="ignore").to_csv()
    for name in ("ranker", "winner"):
        with safe_open(project.data / "06_models" / f"{name}.safetensors", "numpy") as file:
            found[name] = {key: file.get_tensor(key).tobytes() for key in file.keys()}  # noqa: SIM118
    return found


def statuses(project: Project) -> list[str]:
    """How the searches that `ARGUMENTS` started ended; one came before them."""
    query = "select status from runs where name = 'search' order by start_time"
    with sqlite3.connect(project.data / "mlflow.db") as database:
        return [status for (status,) in database.execute(query)][1:]


@pytest.fixture(scope="module")
def undisturbed(contained: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of the search without interruption."""
    copy = contained.copy(tmp_path_factory.mktemp("undisturbed") / "project")
    project = with_latency_of_its_size(copy)
    done = project.in_container("search", *ARGUMENTS)
    assert done.returncode == 0, done.stderr
    return results(project)


@pytest.mark.parametrize(
    ("words", "number", "status"),
    [
        (["docker", "stop"], signal.SIGTERM, "KILLED"),
        (["docker", "kill"], signal.SIGKILL, "RUNNING"),
    ],
)
def test_interrupted_and_run_again(
    later: Project,
    undisturbed: dict[str, Any],
    words: list[str],
    number: signal.Signals,
    status: str,
) -> None:
    with_latency_of_its_size(later)
    folder = later.data / "07_model_output" / "store"
    table_search = {path: path.read_bytes() for path in folder.glob("*.jsonl")}

    def lines() -> list[str]:
        return [
            line
            for path in folder.glob("*.jsonl")
            if path not in table_search
            for line in path.read_text().splitlines(keepends=True)
            if '"event":"answer"' in line and line.endswith("\n")
        ]

    with later.started("search", *ARGUMENTS) as (name, process, log):
        wait_for(lambda: len(lines()) >= 3, process)
        done = command(*words, name, timeout=60)
        assert done.returncode == 0, done.stderr
        assert process.wait(60) == 128 + number, log.read_text()
    assert "Traceback" not in log.read_text()
    if number == signal.SIGTERM:
        assert log.read_text().splitlines()[-1] == "Terminated!"
    before = lines()
    assert 3 <= len(before) < BUDGET
    assert statuses(later) == [status]

    again = later.in_container("search", *ARGUMENTS)
    assert again.returncode == 0, again.stderr
    assert lines()[: len(before)] == before
    assert len(lines()) == BUDGET, "each was asked once"
    assert results(later) == undisturbed
    assert statuses(later) == ["KILLED", "FINISHED"], "the next run marks a dead one"
    assert {path: path.read_bytes() for path in table_search} == table_search
