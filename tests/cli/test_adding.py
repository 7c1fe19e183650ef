"""`devices add` with real suggestions and measurements, and a stand-in for the stage `retrain`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from brpnas.cli.adding import add, check_free
from brpnas.cli.project import Project, ProjectSettings, Registry
from brpnas.cli.suggestions import suggest
from brpnas.datasets import held_out
from brpnas.errors import ConfigurationError, MeasurementError, StoreError, TaskError
from brpnas.measure import MeasureSettings, Protocol, TorchEager
from brpnas.spaces import NetworkConfig

SMALL = MeasureSettings(protocol=Protocol(1, 2, 2), network=NetworkConfig(4, 1, 2, (1, 16, 16), 10))
SHARE = 0.3
KEDRO = """
import json, os, pathlib, sys, time

args = dict(word.split("=", 1) for word in sys.argv if "=" in word)
print("INFO working", flush=True)
print(sys.argv[1:])
if pathlib.Path("slow").exists():
    pathlib.Path("slow").write_text(str(os.getpid()))
    time.sleep(600)
if pathlib.Path("broken").exists():
    print("Error: Full disk:\\n/mnt", file=sys.stderr)
    sys.exit(int(pathlib.Path("broken").read_text()))
device = args["--params"].removeprefix("device=")
pages = pathlib.Path("data/08_reporting/devices", device)
pages.mkdir(parents=True, exist_ok=True)
(pages / "metrics.json").write_text(pathlib.Path("figures.json").read_text())
"""
FIGURES: dict[str, Any] = {
    "model": "latency-board",
    "method": "adapted",
    "rows": {"learn": 6, "test": 3},
    "errors_left_out": {"adapted": 0.0625, "graph alone": 0.5},
    "known_devices": ["a", "b"],
    "coverage": 0.9,
    "challenger": {"spearman": 0.875, "within_10": 0.75, "coverage": 0.6667},
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "kedro.py").write_text(KEDRO)
    (tmp_path / "figures.json").write_text(json.dumps(FIGURES))
    settings = ProjectSettings(None, tmp_path / "data", "nasbench201", "", SHARE)
    registry = SimpleNamespace(promote_text=lambda root, name, env: f"{root} {name} {env}")
    return Project(tmp_path, cast(Registry, registry), settings)


Add = Callable[..., str]


@pytest.fixture
def added(project: Project) -> Add:
    def run(name: str = "board", settings: MeasureSettings = SMALL, **options: Any) -> str:
        return add(name, settings, project, **{"cells": 6, "test_cells": 3} | options)

    return run


def table(project: Project) -> pd.DataFrame:
    return pd.read_parquet(project.root / "data/01_raw/measured/board.parquet")


def journal(project: Project) -> bytes:
    return (project.root / "data/01_raw/measured/board.jsonl").read_bytes()


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_suggested_and_test_cells_are_where_retrain_reads_them(
    project: Project, added: Add
) -> None:
    said: list[str] = []
    text = added(say=said.append)
    rows = suggest(6, test=3, test_share=SHARE)
    assert set(table(project)["arch_id"]) == set(rows["arch_id"])
    test = held_out(table(project)["arch_id"].tolist(), SHARE)
    assert set(table(project)["arch_id"][test]) == set(rows["arch_id"][rows["use"] == "test"])
    assert test.sum() == 3
    words = "['run', '--pipelines=retrain', '--params=device=board']\n"
    assert words in said
    assert "INFO working\n" in said
    decision = f"{project.root} latency-board None"
    assert decision in text.splitlines()
    pages = project.root / "data/08_reporting/devices/board"
    assert (pages / "decision.txt").read_text() == f"{decision}\n"
    for figure in ("0.875", "0.750", "0.667", "0.062", "kedro run --params=device=board"):
        assert figure in text


def test_an_environment_is_that_of_all_steps(project: Project) -> None:
    live = replace(project, settings=replace(project.settings, env="live"))
    said: list[str] = []
    text = add("board", SMALL, live, cells=5, test_cells=0, say=said.append)
    assert any("'--env=live'" in line for line in said)
    assert "latency-board live" in text
    assert "kedro run --env=live --params=device=board" in text


def test_a_failed_stage_is_told_and_the_same_call_continues(project: Project, added: Add) -> None:
    broken = project.root / "broken"
    broken.write_text("1")
    with pytest.raises(TaskError, match=r"/mnt .*board\.parquet"):
        added()
    before = journal(project)
    broken.unlink()
    added()
    assert journal(project) == before, "no cell is measured twice"


def test_an_interruption_ends_the_stage(project: Project, added: Add) -> None:
    (project.root / "slow").touch()

    def interrupted(text: str) -> None:
        if text == "INFO working\n":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        added(cells=5, test_cells=0, say=interrupted)
    pid = (project.root / "slow").read_text()
    assert not pid or not Path(f"/proc/{pid}").exists()
    assert len(table(project)) == 5


def test_more_cells_are_added(project: Project, added: Add) -> None:
    added(test_cells=0)
    first = set(table(project)["arch_id"])
    added(cells=8, test_cells=2)
    assert first < set(table(project)["arch_id"])
    assert len(table(project)) == 10


def test_other_settings_are_refused_before_a_measurement(project: Project, added: Add) -> None:
    added()
    before = journal(project)
    for settings in (
        replace(SMALL, runtime=TorchEager()),
        replace(SMALL, network=replace(SMALL.network, channels=8)),
    ):
        with pytest.raises(MeasurementError, match="'board'"):
            added(settings=settings)
    (project.root / "data/01_raw/measured/devices.yml").unlink()
    with pytest.raises(StoreError, match="protocol"):
        added(settings=replace(SMALL, protocol=Protocol(1, 2, 3)))
    assert journal(project) == before


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "-rf", "a b", "$(touch x)", "a;b", "", ".x", "a\n", "x" * 300, "ä", "a=b"],
)
def test_hostile_names_leave_nothing(project: Project, added: Add, name: str) -> None:
    before = files(project.root)
    with pytest.raises(ConfigurationError):
        added(name)
    assert files(project.root) == before


@pytest.mark.parametrize(
    "options",
    [{"cells": 4}, {"target": "command"}, {"target": "ssh://-oProxyCommand=x"}],
)
def test_wrong_options_leave_nothing(project: Project, added: Add, options: dict[str, Any]) -> None:
    before = files(project.root)
    with pytest.raises(ConfigurationError):
        added(**options)
    assert files(project.root) == before


class TestTakenNames:
    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("pixel3", None),
            ("mine", "01_raw/devices/mine.csv"),
            ("mine", "01_raw/devices/mine.xlsx"),
            ("mine", "01_raw/measured/mine.parquet"),
            ("mine", "01_raw/measured/mine.csv"),
        ],
    )
    def test_of_other_devices(self, tmp_path: Path, name: str, file: str | None) -> None:
        if file:
            (tmp_path / file).parent.mkdir(parents=True)
            (tmp_path / file).touch()
        with pytest.raises(MeasurementError, match=f"'{name}'") as caught:
            check_free(name, tmp_path)
        assert (file or f"brpnas devices {name}") in str(caught.value)
        check_free("other", tmp_path)

    def test_a_table_of_this_command_is_not_taken(self, tmp_path: Path) -> None:
        folder = tmp_path / "01_raw/measured"
        folder.mkdir(parents=True)
        for suffix in ("parquet", "jsonl"):
            (folder / f"mine.{suffix}").touch()
        check_free("mine", tmp_path)
