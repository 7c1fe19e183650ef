"""`brpnas devices add`: options and refusals; tests/pipelines/retrain runs it in a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brpnas.cli import adding
from brpnas.cli import project as projects
from brpnas.cli.project import Project, ProjectSettings
from brpnas.measure import Command, MeasureSettings, Protocol, TorchEager
from brpnas.spaces import NetworkConfig
from tests.cli.conftest import Brpnas

SIZE = NetworkConfig(8, 2, 3, (1, 8, 8), 10)


def test_options_reach_the_work(brpnas: Brpnas, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ProjectSettings("live", Path("data"), "nasbench201", SIZE.size, 0.2)
    project = Project(Path("/project"), None, settings)  # type: ignore[arg-type]
    monkeypatch.setattr(projects, "open_project", lambda env: project if env == "live" else None)
    called: list[Any] = []

    def add(*arguments: Any, say: Any, **options: Any) -> str:
        called.append((arguments, options))
        say("working\n")
        return "done"

    monkeypatch.setattr(adding, "add", add)
    command = ("--target", "command", "--command", "t {file}", "--latency", "(.*) ms")
    numbers = ("--cells", 7, "--test-cells", 2, "--warmup", 1, "--runs", 2, "--repeats", 3)
    said = brpnas(
        *("devices", "add", "mine", "--env", "live", "--runtime", "torch", "--threads", 2),
        *(*command, *numbers, "--channels", 4, "--seed", 5),
    )
    assert (said.exit_code, said.stdout, said.stderr) == (0, "done\n", "working\n"), said.output
    (((name, measured, given), options),) = called
    assert (name, given) == ("mine", project)
    network = NetworkConfig(4, 2, 3, (1, 8, 8), 10)
    assert measured == MeasureSettings(TorchEager(threads=2), Protocol(1, 2, 3), network)
    assert options["command"] == Command("t {file}", "(.*) ms", None, None)
    assert (options["cells"], options["test_cells"], options["seed"]) == (7, 2, 5)


def test_outside_of_a_project(
    brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = brpnas("devices", "add", "mine")
    assert (said.exit_code, said.stdout) == (1, "")
    assert "checkout" in said.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [("--cells", 4), ("--test-cells", -1), ("--runtime", "warp")])
def test_wrong_usage(brpnas: Brpnas, options: tuple[object, ...]) -> None:
    assert brpnas("devices", "add", "mine", *options).exit_code == 2
