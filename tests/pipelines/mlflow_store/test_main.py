"""`python -m pipelines.mlflow_store`, called by `make ui` for the address."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def ask(project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    (project / "docs").mkdir(exist_ok=True)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_T")}
    return subprocess.run(
        [sys.executable, "-m", "pipelines.mlflow_store"],
        check=False,
        cwd=project / "docs",
        env=kept | {"PYTHONPATH": str(project)} | variables,
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
def test_prints_the_address_alone(project: Path, made: Path, repository: Path) -> None:
    shutil.copy(made, project / "data" / "mlflow.db")
    done = ask(project, PYTHONPATH=f"{project}{os.pathsep}{repository}")
    assert done.stdout == f"sqlite:///{project}/data/mlflow.db\n"
    assert done.stderr == ""


@pytest.mark.slow
def test_what_stands_in_the_way_is_one_paragraph(project: Path, repository: Path) -> None:
    (project / "data" / "mlflow.db").mkdir()
    done = ask(project, PYTHONPATH=f"{project}{os.pathsep}{repository}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: The MLflow store")
    assert "is a folder" in done.stderr
    assert len(done.stderr.splitlines()) == 1
