from __future__ import annotations

import sys
from pathlib import Path

import pytest

from brpnas.cli.registry import find_project, from_project, registry_commands
from brpnas.errors import ConfigurationError


def write_project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[tool.kedro]\npackage_name = "pipelines"\n')
    return folder


class TestFindProject:
    def test_from_a_folder_within(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        project = write_project(tmp_path / "project")
        inner = project / "data" / "deep"
        inner.mkdir(parents=True)
        assert find_project(inner) == project
        monkeypatch.chdir(inner)
        assert find_project() == project

    def test_other_projects_on_the_way_are_passed_over(self, tmp_path: Path) -> None:
        project = write_project(tmp_path / "project")
        for name, text in {"other": "[tool.ruff]\n", "broken": "[tool.kedro"}.items():
            (project / name).mkdir()
            (project / name / "pyproject.toml").write_text(text)
            assert find_project(project / name) == project

    def test_this_repository_is_one(self, repository: Path) -> None:
        assert find_project(repository / "docs") == repository

    def test_outside_of_any(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="is in no project"):
            find_project(tmp_path)


class TestFromProject:
    def test_is_from_the_project_or_outside_from_here(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        project = write_project(tmp_path / "project")
        (project / "docs").mkdir()
        monkeypatch.chdir(project / "docs")
        assert from_project(Path("data/01_raw")) == project / "data" / "01_raw"
        assert from_project(tmp_path) == tmp_path
        monkeypatch.chdir(tmp_path)
        assert from_project(Path("data/01_raw")) == Path("data/01_raw")


class TestRegistryCommands:
    def test_are_those_of_the_project(self, repository: Path) -> None:
        commands = registry_commands(repository)
        assert commands.__name__ == "pipelines.registry.commands"
        assert callable(commands.promote_text)

    def test_are_missed_in_a_project_without(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("brpnas.cli.registry._COMMANDS", "no_pipelines.registry.commands")
        monkeypatch.setattr(sys, "path", list(sys.path))
        with pytest.raises(ConfigurationError, match=r"has no no_pipelines\.registry\.commands"):
            registry_commands(write_project(tmp_path / "project"))
