"""`brpnas front`: the front of the project's last search."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from brpnas.cli import project as projects
from tests.cli.conftest import Brpnas
from tests.cli.test_fronts import TABLE, write


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose environment decides its workspace."""

    def opened(env: str | None = None) -> SimpleNamespace:
        return SimpleNamespace(settings=SimpleNamespace(workspace=tmp_path / (env or "data")))

    monkeypatch.setattr(projects, "open_project", opened)
    return tmp_path


def test_prints_the_front_of_an_environment(brpnas: Brpnas, workspace: Path) -> None:
    write(workspace / "latbench", TABLE)
    result = brpnas("front", "--env", "latbench", "--format", "json")
    assert result.exit_code == 0
    assert [row["arch_id"] for row in json.loads(result.stdout)] == ["b", "a"]


def test_without_a_front(brpnas: Brpnas, workspace: Path) -> None:
    result = brpnas("front")
    assert result.exit_code == 1
    assert str(workspace / "data") in result.stderr.replace("\n", "")


def test_an_unknown_format_is_wrong_usage(brpnas: Brpnas, workspace: Path) -> None:
    assert brpnas("front", "--format", "xml").exit_code == 2


def test_exports_a_member_of_an_environment(
    brpnas: Brpnas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def export(root: Path, member: str, output: Path | None, env: str | None) -> str:
        asked.append((root, member, output, env))
        return "done"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(projects, "find_project", lambda: tmp_path / "root")
    registry = SimpleNamespace(export_member_text=export)
    monkeypatch.setattr(projects, "find_registry", lambda root: registry)
    result = brpnas("front", "--export", "3", "--output", "third", "--env", "live")
    assert result.stdout.strip() == "done"
    assert brpnas("front", "--export", "|none~0|").exit_code == 0
    root = tmp_path / "root"
    assert asked == [(root, "3", tmp_path / "third", "live"), (root, "|none~0|", None, None)]


def test_a_folder_without_a_member_is_wrong_usage(brpnas: Brpnas, workspace: Path) -> None:
    assert brpnas("front", "--output", "third").exit_code == 2
