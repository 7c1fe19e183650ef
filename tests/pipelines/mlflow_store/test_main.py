"""`python -m pipelines.mlflow_store`, called by `make ui` for the address."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.mlflow_store.__main__ import main


@pytest.fixture
def root(project: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a store; the working directory is a folder in it."""
    shutil.copy(empty_database, project / "data" / "mlflow.db")
    (project / "docs").mkdir()
    monkeypatch.chdir(project / "docs")
    for name in ("KEDRO_ENV", "KEDRO_LOGGING_CONFIG", "MLFLOW_TRACKING_URI"):
        monkeypatch.setenv(name, "")  # undoes changes of `main`
        monkeypatch.delenv(name)
    return project


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """The error of the command; it prints no address."""
    with pytest.raises(SystemExit) as caught:
        main()
    assert capsys.readouterr().out == ""
    message = caught.value.code
    assert isinstance(message, str)
    assert message.startswith("Error: ")
    assert len(message.splitlines()) == 1
    return message


def test_prints_the_address_of_the_project(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main()
    assert capsys.readouterr().out == f"sqlite:///{root}/data/mlflow.db\n"


def test_prints_the_address_of_the_chosen_environment(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(root / "data" / "mlflow.db", root / "data" / "other.db")
    settings = (root / "conf" / "base" / "mlflow.yml").read_text()
    (root / "conf" / "other").mkdir()
    changed = settings.replace("data/mlflow.db", "data/other.db")
    (root / "conf" / "other" / "mlflow.yml").write_text(changed)
    monkeypatch.setenv("KEDRO_ENV", "other")
    main()
    assert capsys.readouterr().out == f"sqlite:///{root}/data/other.db\n"


def test_a_variable_names_another_store(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "databricks")
    main()
    assert capsys.readouterr().out == "databricks\n"


def test_an_unknown_environment_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEDRO_ENV", "liv")
    assert "'live'" in refused(capsys)


def test_a_folder_in_place_of_the_store_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "data" / "mlflow.db").unlink()
    (root / "data" / "mlflow.db").mkdir()
    assert str(root / "data" / "mlflow.db") in refused(capsys)


def test_outside_of_a_project_it_is_refused(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    assert "pyproject.toml" in refused(capsys)


@pytest.mark.slow
def test_the_command_prints_nothing_but_the_address(root: Path, repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.mlflow_store"],
        check=False,
        cwd=root / "docs",
        env=os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{repository}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"sqlite:///{root}/data/mlflow.db\n"
    assert done.stderr == ""
