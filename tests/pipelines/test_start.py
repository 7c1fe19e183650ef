"""Modules imported before the first node runs, and before a command answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "distributed",
    "matplotlib",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "pandera",
    "pooch",
    "scipy.stats",
    "sklearn",
    "torch",
    "torch_geometric",
}


def imported(code: str, repository: Path) -> set[str]:
    """Modules imported by a process after some code."""
    code += "\nimport json, sys; print(json.dumps(list(sys.modules)), file=sys.stderr)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr))


def test_a_run_reaches_its_first_node_without_the_libraries_of_nodes(project: Path) -> None:
    """Whatever the later ones of all stages need."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BRPNAS_", "MLFLOW_T"))}
    script = Path(__file__).with_name("first_node.py")
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=project,
        env={**kept, "BRPNAS_MIRROR": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert HEAVY & set(found["modules"]) == set(), "imported before any node runs"
    assert {"kedro", "mlflow", "pandas"} <= set(found["modules"]), "the test looks at a real run"
    assert "Warning" not in done.stderr
    assert "WARNING" not in done.stderr


def test_the_command_answers_without_any_library(repository: Path) -> None:
    code = "from brpnas.cli import app\napp(['--help'], standalone_mode=False)"
    found = imported(code, repository)
    assert "typer" in found
    assert (HEAVY | {"kedro", "mlflow", "numpy", "pandas", "pyarrow"}) & found == set()


@pytest.mark.parametrize(
    ("modules", "unneeded"),
    [
        ("pipelines.ingest.nodes", HEAVY - {"pandera"}),
        ("pipelines.evaluate.nodes", {"torch", "onnx", "onnxruntime", "sklearn"}),
        ("pipelines.train.nodes", {"torch_geometric", "onnx", "onnxruntime", "matplotlib"}),
        ("pipelines.featurise.nodes, pipelines.datasets", HEAVY),
    ],
)
def test_a_module_imports_only_what_it_needs(
    modules: str, unneeded: set[str], repository: Path
) -> None:
    assert unneeded & imported(f"import {modules}", repository) == set()
