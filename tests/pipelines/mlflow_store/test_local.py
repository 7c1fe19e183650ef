from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

from brpnas.errors import TrackingError
from pipelines.mlflow_store.local import check_or_make

MAKE = (
    "import sys; from pathlib import Path; from pipelines.mlflow_store.local import check_or_make;"
    "file = Path(sys.argv[1]); check_or_make(file, file.parent / 'mlartifacts')"
)


def change(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        for statement in statements:
            database.execute(statement)


def make_elsewhere(file: Path) -> subprocess.Popen[bytes]:
    """Make a store in another process."""
    return subprocess.Popen([sys.executable, "-c", MAKE, str(file)], stderr=subprocess.DEVNULL)


def test_a_made_store_is_one_file_that_mlflow_takes(empty_database: Path) -> None:
    assert sorted(path.name for path in empty_database.parent.iterdir()) == [
        "mlflow.db",
        "mlflow.db.lock",
    ]
    default = MlflowClient(f"sqlite:///{empty_database}").get_experiment("0")
    assert default.artifact_location == f"{empty_database.parent}/mlartifacts/0"


def test_a_finished_store_is_left_as_it_is(file: Path) -> None:
    before = file.read_bytes()
    check_or_make(file, file.parent / "mlartifacts")
    assert file.read_bytes() == before
    assert [path.name for path in file.parent.iterdir()] == ["mlflow.db"]


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("451aebb31d03", r"451aebb31d03.* db upgrade 'sqlite:///.*/mlflow\.db'"),
        ("ffffffffffff", r"newer MLflow .*ffffffffffff"),
    ],
)
def test_a_store_of_another_version_of_mlflow_is_refused(
    file: Path, revision: str, words: str
) -> None:
    change(
        file,
        f"UPDATE alembic_version SET version_num = '{revision}'",
        "INSERT INTO registered_models (name, workspace) VALUES ('latency-board', 'default')",
    )
    before = file.read_bytes()
    with pytest.raises(TrackingError, match=words):
        check_or_make(file, file.parent / "mlartifacts")
    assert file.read_bytes() == before


def test_a_folder_or_a_damaged_file_in_its_place_is_named(file: Path, tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"folder.*SQLite"):
        check_or_make(tmp_path, tmp_path)
    file.write_bytes(b"not a database" * 100)
    with pytest.raises(TrackingError, match=rf"{file} .*\(.*database\).*backup"):
        check_or_make(file, tmp_path)
    assert file.read_bytes() == b"not a database" * 100


def test_a_link_that_leads_nowhere_is_named_and_stays(tmp_path: Path) -> None:
    """Its disk is not mounted: a new store in its place would hide the real one."""
    link = tmp_path / "mlflow.db"
    link.symlink_to(tmp_path / "disk" / "mlflow.db")
    with pytest.raises(TrackingError, match=r"link.*disk/mlflow\.db"):
        check_or_make(link, tmp_path / "mlartifacts")
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_database_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "accounts.db"
    change(file, "CREATE TABLE accounts (name TEXT)", "INSERT INTO accounts VALUES ('a')")
    with pytest.raises(TrackingError, match=r"schema unknown"):
        check_or_make(file, tmp_path)


@pytest.mark.slow
def test_an_unfinished_store_without_runs_is_made_again(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As earlier versions left it when their first command was interrupted."""
    change(file, "UPDATE alembic_version SET version_num = '451aebb31d03'", "DROP TABLE spans")
    with caplog.at_level(logging.WARNING):
        check_or_make(file, file.parent / "mlartifacts")
    assert "unfinished" in caplog.text
    assert (file.parent / "mlflow.db.unfinished").is_file()
    assert MlflowClient(f"sqlite:///{file}").search_registered_models() == []


INTERRUPT = """
import os, sys
file, number, event, times = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
seen = []
def interrupt(name, arguments):
    if name == event:
        seen.append(name)
        if len(seen) == times:
            os.kill(os.getpid(), number)
sys.addaudithook(interrupt)
"""


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_interrupted_at_any_moment_it_is_made_by_the_next(tmp_path: Path, number: int) -> None:
    """Before its first connection and its second, and before it takes its place."""
    file = tmp_path / "mlflow.db"
    for event, times in (("sqlite3.connect", 1), ("sqlite3.connect", 2), ("os.rename", 1)):
        moment = [str(int(number)), event, str(times)]
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPT + MAKE, str(file), *moment],
            stderr=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode != 0, moment
        assert not file.exists()
    check_or_make(file, tmp_path / "mlartifacts")
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlflow.db.lock"}
    assert len(MlflowClient(f"sqlite:///{file}").search_experiments()) == 1


@pytest.mark.slow
def test_two_that_come_first_at_once_both_find_it(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    processes = [make_elsewhere(file) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(MlflowClient(f"sqlite:///{file}").search_experiments()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
def test_a_store_of_another_user_is_named(file: Path) -> None:
    file.chmod(0o400)
    with pytest.raises(TrackingError, match=r"mlflow\.db.*\bwrite"):
        check_or_make(file, file.parent)
