"""Unusable data: one clear message, and the exit code 1."""

from __future__ import annotations

import os
import re
from subprocess import CompletedProcess

import pytest

from tests.docker.engine import TAG, Project, command

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def start(stage: str, *arguments: str) -> CompletedProcess[str]:
    words = ["docker", "run", "--rm", "--read-only", "--tmpfs=/tmp", *arguments]
    return command(*words, f"brpnas/{stage}:{TAG}", timeout=120)


def message(done: CompletedProcess[str]) -> str:
    """The last message of a container: one paragraph."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.count("Error: ") == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    return last


@pytest.mark.parametrize("stage", ["ingest", "train", "promote"])
def test_data_that_belong_to_another(project: Project, stage: str) -> None:
    project.data.chmod(0o755)
    text = message(start(stage, f"--volume={project.data}:/app/data", "--user=1234:1234"))
    assert "/app/data cannot" in text
    assert f"user {os.getuid()}, group {os.getgid()}, with mode 0755" in text
    assert "user 1234, group 1234" in text
    assert '--user "$(id -u):$(id -g)"' in text


def test_a_folder_of_another_within_data(project: Project) -> None:
    project.data.chmod(0o777)
    for path in project.data.iterdir():
        path.chmod(0o777)
    (project.data / "03_primary").chmod(0o755)
    text = message(start("ingest", f"--volume={project.data}:/app/data", "--user=1234:1234"))
    assert "/app/data/03_primary cannot" in text


@pytest.mark.usefixtures("images")
def test_no_data_mounted() -> None:
    text = message(start("ingest"))
    assert "/app/data" in text
    assert '-v "$PWD/data:/app/data"' in text


def test_data_mounted_read_only(project: Project) -> None:
    text = message(start("ingest", f"--volume={project.data}:/app/data:ro"))
    assert re.search("/app/data .*read-only", text)


def test_conf_that_cannot_be_read(project: Project) -> None:
    project.data.chmod(0o777)
    for path in project.data.iterdir():
        path.chmod(0o777)
    (project.root / "conf" / "base" / "globals.yml").chmod(0o600)
    mounts = [f"--volume={project.root}/{name}:/app/{name}" for name in ("data", "conf")]
    text = message(start("ingest", *mounts, "--user=1234:1234"))
    assert "/app/conf/base/globals.yml cannot" in text


def test_no_input(project: Project) -> None:
    text = message(project.in_container("train"))
    assert "kedro run --pipelines=" in text


def test_unknown_parameter(project: Project) -> None:
    text = message(project.in_container("train", "--params=train.epoch=3"))
    assert "'epochs'?" in text
