"""Shared by the tests of the images: the images, and copies of the project to mount."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from pipelines.pipeline_registry import STAGES
from tests.docker.engine import (
    REVISION,
    TAG,
    VERSION,
    Composed,
    Project,
    command,
    find_compose,
    make_project,
)

RUNS = [*STAGES, "promote"]


@pytest.fixture(scope="session")
def compose() -> list[str]:
    """Compose; skips the test where no engine answers."""
    if shutil.which("docker") is None:
        pytest.skip("there is no docker")
    try:
        done = command("docker", "version", timeout=60)
    except subprocess.TimeoutExpired:
        pytest.skip("no Docker engine answers within a minute")
    if done.returncode:
        pytest.skip(f"no Docker engine answers: {done.stderr.strip()}")
    words = find_compose()
    if words is None:
        pytest.skip("there is neither `docker compose` nor `docker-compose`")
    return words


@pytest.fixture(scope="session")
def images(compose: list[str], repository: Path) -> list[str]:
    """Names of all images, built now."""
    file = repository / "docker" / "compose.yaml"
    services = yaml.safe_load(file.read_text())["services"]
    built = [name for name, service in services.items() if "build" in service]
    done = command(
        *compose,
        "--file",
        file,
        "build",
        *built,
        timeout=3600,
        DOCKER_BUILDKIT="1",
        COMPOSE_DOCKER_CLI_BUILD="1",
        BRPNAS_VERSION=VERSION,
        BRPNAS_REVISION=REVISION,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return [f"brpnas/{name}:{TAG}" for name in built]


@pytest.fixture
def project(images: list[str], repository: Path, tmp_path: Path) -> Project:
    """A copy of the project before any run."""
    return make_project(repository, tmp_path / "project")


@pytest.fixture(scope="session")
def on_host(
    images: list[str], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A copy of the project after a run of all stages, without containers."""
    project = make_project(repository, tmp_path_factory.mktemp("host"))
    for stage in RUNS:
        done = project.on_host(stage)
        assert done.returncode == 0, f"{stage}: {done.stdout}{done.stderr}"
    return project


@pytest.fixture(scope="session")
def contained(
    images: list[str], repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Project:
    """A copy of the project after a run of all stages, each in its container."""
    project = make_project(repository, tmp_path_factory.mktemp("contained"))
    for stage in RUNS:
        done = project.in_container(stage)
        assert done.returncode == 0, f"{stage}: {done.stdout}{done.stderr}"
    return project


@pytest.fixture
def later(contained: Project, tmp_path: Path) -> Project:
    """A copy of the project after a run of all stages, for further runs."""
    return contained.copy(tmp_path / "later")


@pytest.fixture
def composed(compose: list[str], project: Project) -> Composed:
    """The project under Compose; its user is not the root user of the tests."""
    uid, gid = (os.getuid(), os.getgid()) if os.getuid() else (1000, 1000)
    if not os.getuid():
        for path in [project.data, *project.data.rglob("*")]:
            os.chown(path, uid, gid)
    return Composed(compose, project, variables={"BRPNAS_UID": str(uid), "BRPNAS_GID": str(gid)})
