"""No process of this project sends usage data, with any environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brpnas.telemetry import SWITCHES

ROOT = Path(__file__).resolve().parents[1]


def run(code: str, **variables: str) -> str:
    """Output of a new Python process in an environment that requests telemetry."""
    wanted = dict.fromkeys(SWITCHES, "0") | {"MLFLOW_DISABLE_TELEMETRY": "false"}
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CI", "PYTEST", "GITHUB"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=ROOT,
        env=kept | wanted | variables,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("package", ["brpnas", "pipelines"])
def test_import_overrules_the_environment(package: str) -> None:
    found = json.loads(run(f"import {package}, os, json; print(json.dumps(dict(os.environ)))"))
    assert SWITCHES.items() <= found.items()


def test_onnx_runtime_leaves_no_device_id(tmp_path: Path) -> None:
    """It makes a file in HOME, and a queue of events, as it is imported with telemetry on."""
    code = "import brpnas.serving as s; print(s.ort.__version__); s.ort.SessionOptions()"
    run(code, HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path / "cache"))
    assert [path for path in tmp_path.rglob("*") if "onnxruntime" in str(path).lower()] == []


def test_mlflow_has_no_client_of_telemetry_in_a_session_of_kedro() -> None:
    """Kedro's plugins import MLflow; by then the project has been imported."""
    code = (
        "from pathlib import Path\n"
        "from kedro.framework.cli.cli import KedroCLI\n"
        "KedroCLI(Path.cwd()).project_groups\n"
        "import sys; assert 'mlflow' in sys.modules\n"
        "from mlflow.telemetry.client import get_telemetry_client\n"
        "print(get_telemetry_client())"
    )
    assert run(code) == "None"


@pytest.mark.parametrize(
    ("file", "assignment"),
    [("Makefile", r"^export (\w+) := (\w+)$"), ("docker/Dockerfile", r"^ +(\w+)=(\w+) \\$")],
)
def test_make_and_the_images_set_the_same_variables(file: str, assignment: str) -> None:
    """DVC and MLflow's server are started there without this project being imported."""
    found = dict(re.findall(assignment, (ROOT / file).read_text("utf-8"), re.MULTILINE))
    assert SWITCHES.items() <= found.items()


def test_dvc_asks_for_no_newer_version() -> None:
    config = (ROOT / ".dvc" / "config").read_text("utf-8")
    assert re.findall(r"^ +(\w+) = (\w+)$", config, re.MULTILINE) == [
        ("analytics", "false"),
        ("check_update", "false"),
    ]
