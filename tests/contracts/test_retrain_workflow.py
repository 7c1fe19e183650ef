"""`.github/workflows/retrain.yml`: its steps are run as they are, on a device that arrives."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from mlflow.tracking import MlflowClient

from brpnas.datasets import read_embedded_latency
from tests.pipelines.registry.processes import free_port, running

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW: dict[Any, Any] = yaml.safe_load((ROOT / ".github/workflows/retrain.yml").read_text())
JOB: dict[str, Any] = WORKFLOW["jobs"]["retrain"]
STEPS: list[dict[str, Any]] = [step for step in JOB["steps"] if "run" in step]
DEVICE = "new-board"
GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*GIT, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class TestText:
    def test_it_starts_when_a_device_changes(self) -> None:
        triggers = WORKFLOW[True]  # YAML reads `on` as a truth
        for event in ("push", "pull_request"):
            assert triggers[event]["paths"] == ["data/01_raw/devices/**"]

    def test_it_runs_what_a_person_would(self) -> None:
        (step,) = [step for step in STEPS if step["name"] == "Retrain"]
        assert step["run"] == 'make retrain DEVICE="$DEVICE"'

    def test_a_server_that_is_not_set_is_no_empty_address(self) -> None:
        command = ["make", "--eval", "show: ; @env", "show"]
        shown = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"MLFLOW_TRACKING_URI": ""},
            check=True,
            capture_output=True,
            text=True,
        )
        assert "MLFLOW_TRACKING_URI" not in shown.stdout
        kept = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"MLFLOW_TRACKING_URI": "http://server"},
            check=True,
            capture_output=True,
            text=True,
        )
        assert "MLFLOW_TRACKING_URI=http://server" in kept.stdout

    def test_nothing_is_pasted_into_a_shell(self) -> None:
        every = [s for job in WORKFLOW["jobs"].values() for s in job["steps"] if "run" in s]
        assert len(every) > len(STEPS)
        assert not [step["run"] for step in every if "${{" in step["run"]]

    def test_every_variable_is_defined(self) -> None:
        for step in STEPS:
            used = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", step["run"]))
            known = set(JOB["env"]) | set(step.get("env", {}))
            assert not {name for name in used if not name.startswith("GITHUB_")} - known


class TestChangedDevices:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        git(tmp_path, "init", "-q", "-b", "main")
        devices = tmp_path / "data/01_raw/devices"
        devices.mkdir(parents=True)
        for name in ("old.csv", "gone.csv", ".gitkeep"):
            (devices / name).write_text("a\n")
        git(tmp_path, "add", "-A")
        git(tmp_path, "commit", "-q", "-m", "before")
        return tmp_path

    def listed(self, folder: Path, *arguments: str) -> list[str]:
        command = [sys.executable, str(ROOT / ".github/changed_devices.py"), *arguments]
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        name, _, value = done.stdout.strip().partition("=")
        assert name == "devices"
        found: list[str] = json.loads(value)
        return found

    def test_added_and_changed_but_not_removed(self, folder: Path) -> None:
        base = git(folder, "rev-parse", "HEAD")
        devices = folder / "data/01_raw/devices"
        (devices / "old.csv").write_text("b\n")
        (devices / "new.parquet").write_text("c\n")
        (devices / "notes.md").write_text("d\n")
        (folder / "README.md").write_text("e\n")
        (devices / "gone.csv").unlink()
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "-m", "after")
        assert self.listed(folder, base) == ["new", "old"]

    def test_all_where_there_is_nothing_to_compare_with(self, folder: Path) -> None:
        assert self.listed(folder, "0" * 40) == ["gone", "old"]

    def test_one_that_is_asked_for(self, folder: Path) -> None:
        assert self.listed(folder, "", "mine") == ["mine"]

    def test_a_name_that_is_none_is_refused(self, folder: Path) -> None:
        with pytest.raises(subprocess.CalledProcessError):
            self.listed(folder, "", "a; rm -rf")


class Repository:
    """A fresh clone with its origin, a DVC remote, and a `gh` that notes what it is given."""

    def __init__(self, folder: Path, server: str) -> None:
        self.origin, self.clone = folder / "origin.git", folder / "clone"
        self.remote, self.summary = folder / "remote", folder / "summary.md"
        git(folder, "clone", "-q", "--bare", str(ROOT), str(self.origin))
        git(folder, "clone", "-q", str(self.origin), str(self.clone))
        git(self.clone, "checkout", "-q", "-b", "board")
        (self.clone / ".venv").symlink_to(sys.prefix)
        for name in ("pyproject.toml", "constraints.txt"):  # so that `make` installs nothing
            os.utime(self.clone / name, (0, 0))
        tools = folder / "tools"
        tools.mkdir()
        gh = tools / "gh"
        gh.write_text(f'#!/bin/sh\necho "$@" >> {folder}/gh.txt\ncp "$5" {folder}/comment.md\n')
        gh.chmod(0o755)
        self.comment, self.called = folder / "comment.md", folder / "gh.txt"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BRPNAS_", "GIT_"))}
        self.environment = kept | {
            "PATH": f"{tools}{os.pathsep}{kept['PATH']}",
            "PYTHONPATH": str(self.clone),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "DEVICE": DEVICE,
            "DVC_REMOTE_URL": str(self.remote),
            "MLFLOW_TRACKING_URI": server,
            "BRANCH": "board",
            "PR": "7",
            "RUN_URL": "https://example.org/run/1",
        }

    def arrive(self, rows: int) -> None:
        """Commit the first rows of a device's table."""
        table = read_embedded_latency("amd-epyc-torch-fp32-1t").sample(frac=1, random_state=1)
        file = self.clone / "data/01_raw/devices" / f"{DEVICE}.csv"
        table[["arch_id", "latency_ms"]].head(rows).to_csv(file, index=False)
        git(self.clone, "add", str(file))
        git(self.clone, "commit", "-q", "-m", f"{rows} rows of {DEVICE}")
        git(self.clone, "push", "-q", "origin", "board")

    def run(self) -> None:
        """Run every step of the job whose condition holds."""
        for step in STEPS:
            condition = step.get("if", "")
            if match := re.fullmatch(r"env\.(\w+) != ''", condition):
                assert self.environment[match[1]]
            else:
                assert not condition
            values: Mapping[str, str] = dict.fromkeys(step.get("env", {}), "token")
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.clone,
                env=self.environment | values,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{step['name']}\n{done.stdout}\n{done.stderr}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Repository]:
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    with running(command, f"{address}/health", tmp_path, os.environ):
        yield Repository(tmp_path, address)


@pytest.mark.slow
def test_a_device_arrives_and_grows(world: Repository, tmp_path: Path) -> None:
    world.arrive(250)
    world.run()
    first = world.comment.read_text()
    assert "| Spearman |" in first
    assert "xychart-beta" in first
    assert "retrain-new-board" in first
    assert world.called.read_text().startswith("pr comment 7 --body-file")
    assert world.summary.read_text() in first
    client = MlflowClient(world.environment["MLFLOW_TRACKING_URI"])
    champion = client.get_model_version_by_alias(f"latency-{DEVICE}", "champion")
    assert int(champion.version) == 1
    model = world.clone / "data/06_models/devices" / DEVICE / "predictor.onnx"
    kept = model.read_bytes()

    pulled = tmp_path / "pulled"
    git(tmp_path, "clone", "-q", "--branch", "board", str(world.origin), str(pulled))
    dvc = [sys.executable, "-m", "dvc"]
    for command in (
        [*dvc, "remote", "add", "--local", "--default", "ci", str(world.remote)],
        [*dvc, "pull", "-q", f"data/06_models/devices/{DEVICE}.dvc"],
    ):
        subprocess.run(command, cwd=pulled, check=True, capture_output=True)
    assert (pulled / model.relative_to(world.clone)).read_bytes() == kept

    world.arrive(400)
    world.run()
    second = world.comment.read_text()
    assert "150 added" in second
    row = next(line for line in second.splitlines() if line.startswith("| Spearman |"))
    assert "none" not in row
    newest = client.get_model_version_by_alias(f"latency-{DEVICE}", "challenger")
    assert int(newest.version) == 2
    assert newest.tags["brpnas.decision"] in ("promoted", "kept")
    assert git(world.clone, "status", "--porcelain", "--untracked-files=no") == ""
    shutil.rmtree(world.clone / "data")
