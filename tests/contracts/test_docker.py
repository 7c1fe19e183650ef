"""Stages of kedro.yml = pipelines = targets of the Dockerfile = services of Compose; no engine."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.pipeline_registry import ON_REQUEST, STAGES

ROOT = Path(__file__).resolve().parents[2]
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "kedro.yml").read_text())
ALL = [*MANIFEST["stages"], *MANIFEST["producers"], *MANIFEST["deliverers"]]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CLUSTER = {"scheduler", "worker"}


def wait_for(file: Path) -> None:
    """Wait until a file has content."""
    end = time.monotonic() + 120
    while not (file.exists() and file.stat().st_size):
        assert time.monotonic() < end, f"{file} did not appear"
        time.sleep(0.05)


def targets() -> dict[str, tuple[str, str]]:
    """Base and instructions of every target of the Dockerfile."""
    parts = re.split(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, flags=re.MULTILINE)[1:]
    return {parts[i + 1]: (parts[i], parts[i + 2]) for i in range(0, len(parts), 3)}


def lineage(name: str) -> list[str]:
    """A target and all its bases."""
    found = []
    while name in targets():
        found.append(name)
        name = targets()[name][0]
    return found


def test_manifest_and_registry_name_the_same_stages() -> None:
    assert [*STAGES, *ON_REQUEST] == ALL


@pytest.mark.parametrize("stage", ALL)
def test_each_stage_has_a_target_that_runs_it(stage: str) -> None:
    _, body = targets()[stage]
    assert body.split("\n#")[0].strip() == (
        f'ENTRYPOINT ["python", "/app/entrypoint.py", "{stage}"]'
    )


def test_no_other_target_runs_a_stage() -> None:
    runs = [name for name, (_, body) in targets().items() if "ENTRYPOINT" in body]
    assert sorted(runs) == sorted([*ALL, "mlflow"])


def test_all_are_built_on_the_slim_python() -> None:
    assert {targets()[lineage(name)[-1]][0] for name in targets()} == {"${PYTHON_IMAGE}"}


@pytest.mark.parametrize("name", [*ALL, "mlflow"])
def test_nobody_is_root_and_labels_tell_the_version(name: str) -> None:
    text = "".join(targets()[part][1] for part in lineage(name))
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["1000:1000"]
    for label in ("version=$VERSION", "revision=$REVISION", "licenses=Apache-2.0"):
        assert f"org.opencontainers.image.{label}" in text


def test_only_stages_that_fan_out_carry_dask_and_those_that_need_none_no_torch() -> None:
    with_dask = {name for name in ALL if "packages-cluster" in lineage(name)}
    assert with_dask == {"measure", "train_candidates", "search", "export"}
    without = {name for name in ALL if "packages-torch" not in lineage(name)}
    assert without == {"ingest", "featurise", "evaluate"}


def test_code_comes_after_packages() -> None:
    """A change of a line of code must not install anything again."""
    for name, (_, body) in targets().items():
        if name.startswith("packages"):
            assert "COPY" not in body, name
        if name.startswith("stage"):
            assert "RUN" not in body, name


def test_what_is_installed_is_that_of_extras() -> None:
    extras = set(
        tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    )
    asked = re.findall(r"requirements\.py pyproject\.toml ([a-z ]+?) >", DOCKERFILE)
    named = {word for words in asked for word in words.split()} - {"brpnas"}
    loop = re.search(r"\bextra in ([a-z ]+);", DOCKERFILE)
    assert loop is not None
    assert named | set(loop[1].split()) <= extras


@pytest.mark.parametrize("stage", ALL)
def test_each_stage_is_a_service(stage: str) -> None:
    service = SERVICES[stage]
    assert service["image"] == f"brpnas/{stage}:${{BRPNAS_TAG:-latest}}"
    assert service["build"]["target"] == stage
    assert ("TORCH_LINKS" in service["build"]["args"]) == ("packages-torch" in lineage(stage))
    assert service["read_only"] is True
    assert service["volumes"] == ["../data:/app/data", "../conf:/app/conf:ro"]
    assert service["environment"]["MLFLOW_TRACKING_URI"] == "http://mlflow:5000"


def test_there_are_no_other_services() -> None:
    assert set(SERVICES) == {*ALL, *CLUSTER, "mlflow", "postgres"}


def test_up_runs_the_stages_in_order() -> None:
    after = {stage: SERVICES[stage]["depends_on"] for stage in STAGES}
    expected: dict[str, Mapping[str, Any]] = {
        "ingest": {"mlflow": {"condition": "service_healthy"}}
    }
    for before, stage in itertools.pairwise(STAGES):
        expected[stage] = {before: {"condition": "service_completed_successfully"}}
    assert after == expected
    assert {name for name in SERVICES if SERVICES[name].get("profiles") == ["on-request"]} == set(
        ON_REQUEST
    )


def test_the_database_is_for_the_server_alone() -> None:
    reached = [name for name in SERVICES if "store" in SERVICES[name].get("networks", [])]
    assert sorted(reached) == ["mlflow", "postgres"]
    assert COMPOSE["networks"]["store"]["internal"] is True
    assert "ports" not in SERVICES["postgres"]
    assert SERVICES["mlflow"]["ports"] == ["${MLFLOW_PUBLISH:-127.0.0.1:5000}:5000"]


def test_no_service_keeps_what_the_kernel_gives_to_root() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    added = {name: service["cap_add"] for name, service in SERVICES.items() if "cap_add" in service}
    assert added == {"postgres": ["CHOWN", "DAC_READ_SEARCH", "FOWNER", "SETGID", "SETUID"]}


def test_base_images_can_be_given_with_a_digest() -> None:
    default = "python:3.11-slim-bookworm"
    assert f"ARG PYTHON_IMAGE={default}\n" in DOCKERFILE
    built = [service["build"]["args"] for service in SERVICES.values() if "build" in service]
    assert {args["PYTHON_IMAGE"] for args in built} == {f"${{PYTHON_IMAGE:-{default}}}"}
    assert SERVICES["postgres"]["image"] == "${POSTGRES_IMAGE:-postgres:15-bookworm}"


def test_actions_and_tools_of_the_workflows_are_pinned() -> None:
    """A tag can be moved to other code; a commit cannot."""
    for file in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        text = file.read_text()
        used = re.findall(r"uses: (.*)", text)
        assert used
        assert not [u for u in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", u)]
        assert not re.findall(r"pip install (?!-|\.)[\w-]+$", text, flags=re.MULTILINE)


def test_workflow_runs_the_stages() -> None:
    workflow = (ROOT / ".github" / "workflows" / "images.yml").read_text()
    assert f" {' '.join(STAGES)}; do" in workflow


class TestStage:
    """`docker/stage`, called by dvc.yaml."""

    def run(self, tmp_path: Path, *arguments: str, **environment: str) -> list[str]:
        """Arguments of the final command, a script printing them."""
        for name in ("docker", "kedro"):
            script = tmp_path / name
            script.write_text(f'#!/bin/sh\nprintf "%s\\n" {name} "$@"\n')
            script.chmod(0o755)
        (tmp_path / "data").mkdir(exist_ok=True)
        given = {k: v for k, v in os.environ.items() if not k.startswith(("BRPNAS_", "MLFLOW_"))}
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            [ROOT / "docker" / "stage", *arguments],
            cwd=tmp_path,
            env={**given, "PATH": path, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.splitlines()

    def test_runs_here_unless_images_are_named(self, tmp_path: Path) -> None:
        found = self.run(tmp_path, "train", "--params=a=1", "--env=x y")
        assert found == ["kedro", "run", "--pipelines=train", "--params=a=1", "--env=x y"]

    def test_runs_in_the_image_of_the_stage_as_the_caller(self, tmp_path: Path) -> None:
        found = self.run(tmp_path, "search", "--env=x y", BRPNAS_IMAGES="here/brpnas")
        assert found[:2] == ["docker", "run"]
        assert found[-2:] == ["here/brpnas/search:latest", "--env=x y"]
        assert found[found.index("--user") + 1] == f"{os.getuid()}:{os.getgid()}"
        assert f"{tmp_path}/data:/app/data" in found
        assert f"{tmp_path}/conf:/app/conf:ro" in found
        assert "--read-only" in found
        assert "--tty" not in found

    def test_its_container_stops_when_its_dvc_is_killed(self, tmp_path: Path) -> None:
        """A shell named `dvc` calls it; the `docker` there runs a container that never ends."""
        (tmp_path / "dvc").write_text(f"{ROOT}/docker/stage ingest; true\n", "utf-8")
        docker = tmp_path / "docker"
        docker.write_text(
            '#!/bin/sh\ncase "$1" in\n'
            'run) echo $$ >pid; echo "$@" >run; exec sleep 600;;\n'
            'stop) echo "$2" >stopped; kill "$(cat pid)";;\nesac\n',
            "utf-8",
        )
        docker.chmod(0o755)
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        environment = {"PATH": path, "PYTHONPATH": str(ROOT), "BRPNAS_IMAGES": "brpnas"}
        with subprocess.Popen(
            ["sh", "dvc"], cwd=tmp_path, env=os.environ | environment, stdin=subprocess.DEVNULL
        ) as dvc:
            wait_for(tmp_path / "run")
            dvc.kill()
        wait_for(tmp_path / "stopped")
        name = (tmp_path / "stopped").read_text("utf-8").strip()
        assert f" --name {name} " in (tmp_path / "run").read_text("utf-8")

    def test_what_it_is_told_goes_on(self, tmp_path: Path) -> None:
        (tmp_path / "dvc.lock").touch()
        (tmp_path / "my files").mkdir()
        found = self.run(
            tmp_path,
            "ingest",
            BRPNAS_IMAGES="brpnas",
            BRPNAS_TAG="1.0",
            BRPNAS_MIRROR="my files",
            BRPNAS_GROUP="mine",
            BRPNAS_DOCKER_ARGS="--network host",
        )
        assert found[-1] == "brpnas/ingest:1.0"
        assert f"{tmp_path}/my files:/mirror:ro" in found
        assert {"BRPNAS_MIRROR=/mirror", "BRPNAS_GROUP=mine", "MLFLOW_TRACKING_URI"} <= set(found)
        assert f"{tmp_path}/dvc.lock:/app/dvc.lock:ro" in found
        assert found[found.index("--network") + 1] == "host"
