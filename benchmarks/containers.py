"""Stages in containers: size of their images, time to start, time to rebuild, the whole pipeline.

- *Size*: of each image, including shared layers.
- *Start*: the stage `featurise` in its container and here, in turn, on the same tables; the
  difference is the cost of a container.
- *Rebuild*: the image of `search` after one more line in `brpnas/graphs.py`.
- *Pipeline*: `docker-compose up` in an empty project with built images, from the start of the
  database to the end of `export`, against `docker/stage` here, stage by stage.

It needs a Docker engine and the images (`make images`), and works in a copy of the repository. The
variables of `make images` (TORCH_LINKS, BUILD_NETWORK) apply. Seeds are repetitions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.data import ROOT
from benchmarks.figures import three
from brpnas.errors import ConfigurationError

__all__ = ["run"]

SEEDS = 1, 5
PROJECT = "brpnas-benchmark"
BUILDKIT = {"DOCKER_BUILDKIT": "1", "COMPOSE_DOCKER_CLI_BUILD": "1"}
CODE = ("brpnas", "conf", "docker", "pipelines")
FILES = (".dockerignore", "LICENSE", "README.md", "constraints.txt", "kedro.yml", "pyproject.toml")
BEFORE, AFTER = "ingest", "featurise"


def _call(command: list[str], folder: Path, **environment: str) -> float:
    """Run a command to its end; return its seconds."""
    given = {k: v for k, v in os.environ.items() if not k.startswith(("BRPNAS_", "MLFLOW_"))}
    given["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{given['PATH']}"
    given |= {"KEDRO_DISABLE_TELEMETRY": "1", "MLFLOW_DISABLE_TELEMETRY": "true"}
    start = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=given | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-3000:]
        raise ConfigurationError(f"{' '.join(command)} ended with {done.returncode}:\n{said}")
    return time.perf_counter() - start


def _copy(folder: Path) -> Path:
    """The repository without outputs of runs."""
    folder.mkdir()
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    tracked = subprocess.run(
        ["git", "ls-files", "data"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in tracked.stdout.split():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def _stage(folder: Path, stage: str, images: str = "") -> float:
    return _call([str(folder / "docker" / "stage"), stage], folder, BRPNAS_IMAGES=images)


def _compose() -> list[str]:
    found = subprocess.run(
        ["docker", "compose", "version"], capture_output=True, text=True, check=False
    )
    return ["docker", "compose"] if found.returncode == 0 else ["docker-compose"]


def _up(folder: Path) -> float:
    """Seconds of the whole pipeline through Compose."""
    compose = [*_compose(), "--project-name", PROJECT, "--file", "docker/compose.yaml"]
    user = {"BRPNAS_UID": str(os.getuid()), "BRPNAS_GID": str(os.getgid())}
    user["MLFLOW_PUBLISH"] = "127.0.0.1:0"
    _call([*compose, "down", "--volumes"], folder, **user)
    try:
        seconds = _call([*compose, "up", "--detach"], folder, **user)
        last = subprocess.run(
            [*compose, "ps", "--quiet", "export"],
            cwd=folder,
            env=os.environ | user,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        start = time.perf_counter()
        code = subprocess.run(
            ["docker", "wait", last], capture_output=True, text=True, check=True
        ).stdout.strip()
        if code != "0":
            raise ConfigurationError(f"The stage export ended with {code}.")
        return seconds + time.perf_counter() - start
    finally:
        _call([*compose, "down", "--volumes"], folder, **user)


def _sizes(names: list[str]) -> dict[str, float]:
    """Uncompressed size of each image, in GB."""
    done = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Size}}", *(f"brpnas/{n}" for n in names)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ConfigurationError(f"{done.stderr.strip()} Build the images first: make images.")
    sizes = map(int, done.stdout.split())
    return {name: round(size / 1e9, 3) for name, size in zip(names, sizes, strict=True)}


def _rebuild(folder: Path, line: int) -> float:
    with (folder / "brpnas" / "graphs.py").open("a", encoding="utf-8") as file:
        file.write(f"# line {line}\n")
    command = ["docker", "build", "--quiet", "--file", "docker/Dockerfile", "--target", "search"]
    if "TORCH_LINKS" in os.environ:
        command += ["--build-arg", f"TORCH_LINKS={os.environ['TORCH_LINKS']}"]
    command += ["--network", os.environ.get("BUILD_NETWORK", "default")]
    return _call([*command, "--tag", f"{PROJECT}/search", "."], folder, **BUILDKIT)


def run(*, quick: bool, seeds: int, workers: int) -> dict[str, Any]:
    """Figures of images and stages."""
    manifest = yaml.safe_load((ROOT / "kedro.yml").read_text("utf-8"))
    stages = [*manifest["stages"], *manifest["producers"], *manifest["deliverers"]]
    figures: dict[str, Any] = {"size_gb": _sizes([*stages, "mlflow"]), "repeats": seeds}
    with tempfile.TemporaryDirectory(dir=ROOT.parent) as name:
        folder = _copy(Path(name) / "brpnas")
        _stage(folder, BEFORE)
        here, there = [], []
        for _ in range(seeds):
            here.append(_stage(folder, AFTER))
            there.append(_stage(folder, AFTER, "brpnas"))
        beyond = [a - b for a, b in zip(there, here, strict=True)]
        figures["start_beyond_host_s"] = list(three(beyond, 2).values())
        figures["featurise_host_s"] = list(three(here, 2).values())
        _rebuild(folder, 0)
        figures["rebuild_s"] = list(
            three([_rebuild(folder, i + 1) for i in range(seeds)], 2).values()
        )
        if not quick:
            host = _copy(Path(name) / "host")
            figures["pipeline_host_s"] = round(sum(_stage(host, s) for s in manifest["stages"]), 1)
            figures["pipeline_compose_s"] = round(_up(_copy(Path(name) / "compose")), 1)
            allowed = 1.5 * figures["pipeline_host_s"] + 60
            figures["pipeline_part_of_allowed"] = round(figures["pipeline_compose_s"] / allowed, 3)
    return figures
