"""Commands of Docker and queries for tests; a copy of the project to mount."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any
from uuid import uuid4

import yaml

TAG = "test"
"""Tag of the images under test: images in use stay unchanged."""
VERSION, REVISION = "0.0.0+test", "0123456789abcdef0123456789abcdef01234567"
PATIENCE_S = 600.0

SMALL = {
    "train": {
        "epochs": 10,
        "hidden": 16,
        "members": 1,
        "train_rows": 200,
        "valid_rows": 50,
        "workers": 1,
    },
    "search": {
        "budget": {"queries": 12, "rounds": 3},
        "sampler": {"ranker": {"epochs": 3, "hidden": 16}},
        "report": {"comparison_seeds": 0},
        "workers": 1,
    },
    "adaptation": {"steps": 5, "network_rows": 100_000, "workers": 1},
    "train_candidates": {"cells": 3},
    "network_training": {"epochs": 1},
    "images": {"path": "digits"},
    "network": {"channels": 4, "cells_per_stage": 1, "stages": 2},
    "measure": {
        "device": "board",
        "cells": 3,
        "operations": False,
    },
    "timing": {"warmup": 1, "runs": 1, "repeats": 2},
    "pretrain": {"hidden": 8, "layers": 1, "epochs": 1},
}
"""Parameters for stages of seconds."""


def command(
    *words: str | Path, cwd: Path | None = None, timeout: float = PATIENCE_S, **variables: str
) -> CompletedProcess[str]:
    """Run a command, and return its output and its exit code."""
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment(**variables),
        timeout=timeout,
        capture_output=True,
        text=True,
        check=False,
    )


def environment(**variables: str) -> dict[str, str]:
    """Variables of this process, except those with an effect on stages."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BRPNAS_", "MLFLOW_T"))}
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return kept | {"PATH": path, "BRPNAS_TAG": TAG} | variables


def output(*words: str | Path, **options: Any) -> str:
    """Run a successful command, and return its output."""
    done = command(*words, **options)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def inspect(name: str) -> dict[str, Any]:
    """The engine's description of an image or a container."""
    found: list[dict[str, Any]] = json.loads(output("docker", "inspect", name, timeout=60))
    return found[0]


def find_compose() -> list[str] | None:
    """Compose, the plugin or the command of its own; nothing if there is neither."""
    for words in (["docker", "compose"], ["docker-compose"]):
        try:
            if command(*words, "version", timeout=60).returncode == 0:
                return words
        except (OSError, subprocess.TimeoutExpired):
            continue
    return None


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[Any] | None = None) -> None:
    """Ask until something holds, or until a process ends before it does."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert process is None or process.poll() is None, "it ended before"
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@contextmanager
def background(
    words: list[str], cwd: Path, **variables: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """A command that goes on, and its log; it is ended if it does not end by itself."""
    log = cwd / f"{uuid4().hex}.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            words, cwd=cwd, env=environment(**variables), stdout=out, stderr=out
        ) as process,
    ):
        try:
            yield process, log
        finally:
            process.terminate()


@dataclass(frozen=True)
class Project:
    """A copy of the project with small parameters, and the data tracked by git."""

    root: Path

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def answers(self) -> list[str]:
        """Records of the store, one answer a line."""
        files = sorted((self.data / "07_model_output" / "store").glob("*.jsonl"))
        lines = [line for file in files for line in file.read_text().splitlines()]
        return [line for line in lines if '"arch_id":' in line]

    def json(self, name: str) -> Any:
        return json.loads((self.data / name).read_text())

    def on_host(self, stage: str, *arguments: str) -> CompletedProcess[str]:
        return command("docker/stage", stage, *arguments, cwd=self.root)

    def in_container(self, stage: str, *arguments: str, **variables: str) -> CompletedProcess[str]:
        variables = {"BRPNAS_IMAGES": "brpnas"} | variables
        return command("docker/stage", stage, *arguments, cwd=self.root, **variables)

    @contextmanager
    def started(
        self, stage: str, *arguments: str
    ) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
        """Name of a container running a stage, the command starting it, its log."""
        name = f"brpnas-test-{uuid4().hex[:12]}"
        variables = {"BRPNAS_IMAGES": "brpnas", "BRPNAS_DOCKER_ARGS": f"--name {name}"}
        words = ["docker/stage", stage, *arguments]
        with background(words, self.root, **variables) as (process, log):
            try:
                yield name, process, log
            finally:
                command("docker", "rm", "--force", name, timeout=60)

    def copy(self, root: Path) -> Project:
        shutil.copytree(self.root, root, symlinks=True)
        return Project(root)


def make_project(repository: Path, root: Path) -> Project:
    """Copy the content of a clone, and make its stages quick."""
    kept = output("git", "ls-files", "data", cwd=repository).splitlines()
    for name in [*kept, "pyproject.toml", "kedro.yml", "dvc.lock"]:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(repository / name, root / name)
    for folder in ("conf", "docker", "pipelines"):
        ignored = shutil.ignore_patterns("__pycache__", "local")
        shutil.copytree(repository / folder, root / folder, ignore=ignored)
    (root / "conf" / "local").mkdir()
    (root / "conf" / "local" / "parameters.yml").write_text(yaml.safe_dump(SMALL))
    return Project(root)


@dataclass(frozen=True)
class Composed:
    """A project of Compose, of its own name, upon a copy of ours."""

    words: list[str]
    project: Project
    name: str = field(default_factory=lambda: f"brpnas-test-{uuid4().hex[:8]}")
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, timeout: float = PATIENCE_S) -> CompletedProcess[str]:
        words = self._words(*arguments)
        return command(*words, cwd=self.project.root, timeout=timeout, **self._variables)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """A command of Compose that goes on, and its log."""
        with background(self._words(*arguments), self.project.root, **self._variables) as both:
            yield both

    def _words(self, *arguments: str) -> list[str]:
        file = self.project.root / "docker" / "compose.yaml"
        return [*self.words, "--file", str(file), "--project-name", self.name, *arguments]

    @property
    def _variables(self) -> dict[str, str]:
        return {"MLFLOW_PUBLISH": "127.0.0.1:0"} | self.variables

    def containers(self, service: str) -> list[str]:
        listed = output(
            "docker",
            "ps",
            "--all",
            "--quiet",
            f"--filter=label=com.docker.compose.project={self.name}",
            f"--filter=label=com.docker.compose.service={service}",
            timeout=60,
        )
        return listed.split()

    def ask(self, query: str) -> list[list[str]]:
        """Ask the database of the tracking server."""
        words = ["psql", "-h", "127.0.0.1", "-U", "mlflow", "-d", "mlflow", "-tA", "-c", query]
        done = self.run("exec", "-T", "-e", "PGPASSWORD=mlflow", "postgres", *words, timeout=60)
        assert done.returncode == 0, done.stderr
        return [line.split("|") for line in done.stdout.split()]

    @contextmanager
    def standing(self) -> Iterator[Composed]:
        """Take all of it down at the end, volumes too."""
        try:
            yield self
        finally:
            profiles = ["--profile", "on-request", "--profile", "dask"]
            self.run(*profiles, "down", "--volumes", "--remove-orphans")
